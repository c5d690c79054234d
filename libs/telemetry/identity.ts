import { createHmac, hash } from 'node:crypto';
import { remember } from './memo.js';

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * An installation's GUID in its one form: lower case, no braces, no blanks; null when it is no GUID.
 * DC/OS 1.7 sends a trailing newline, Windows tools send upper case and braces.
 */
export function parseInstallationId(raw: unknown): string | null {
  if (typeof raw !== 'string' || raw.length > 64) return null;
  const mended = raw.trim().toLowerCase();
  const bare = mended.startsWith('{') && mended.endsWith('}') ? mended.slice(1, -1) : mended;
  return GUID.test(bare) ? bare : null;
}

/**
 * GUIDs that hold the time at which they were made and the network address of the machine: versions 1, 2
 * and 6, also with their bytes in the order of Windows (`…-e511-…` for `…-11e5-…`); and those of Dell's
 * firmware, which begin with "LLED" in ASCII and spell the machine's service tag.
 */
const TELLS_MACHINE =
  /^4c4c4544-|^[0-9a-f]{8}-[0-9a-f]{4}-(?:[126][0-9a-f]{3}|[09a-f][0-9a-f][126][0-9a-f])-[89ab]/;

/** How cloud providers name a resource. An error's text in an id's place has blanks in it. */
const CLOUD_RESOURCE =
  /^(?:arn:[a-z-]+:|acs:|crn:|urn:|ocid1\.|\/?subscriptions\/|\/?projects\/|\/\/[a-z.]+\.googleapis\.com\/)[^\s]{4,500}$/i;

/**
 * The id under which an installation is stored: its GUID; or, where that tells the machine or the
 * installation is known by a cloud provider's name of it (with an account's number), a GUID derived from
 * it with a keyed hash: always the same, and nobody can go back without the key. Null where it is neither.
 */
export function installationIdOf(raw: unknown, identityKey: string): string | null {
  const guid = parseInstallationId(raw);
  if (guid !== null) return TELLS_MACHINE.test(guid) ? deriveGuid(guid, identityKey) : guid;
  if (typeof raw !== 'string' || raw.length > 512) return null;
  const name = raw.trim();
  return CLOUD_RESOURCE.test(name) ? deriveGuid(name, identityKey) : null;
}

/** A GUID of version 8 (RFC 9562, 5.8) from 122 bits of an HMAC-SHA-256. */
function deriveGuid(id: string, identityKey: string): string {
  const bytes = createHmac('sha256', identityKey).update(`installation\0${id}`).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return asGuid(bytes.toString('hex'));
}

/**
 * Somebody's key within an installation: 64 bits of an HMAC-SHA-256, as a decimal text that Postgres
 * takes as bigint. The same person has another key in another installation.
 */
export function personKey(
  role: 'user' | 'visitor',
  person: string,
  installationId: string,
  identityKey: string,
): string {
  const text = [role, installationId, person.trim().toLowerCase()].join('\0');
  return createHmac('sha256', identityKey).update(text).digest().readBigInt64BE().toString();
}

/**
 * The key under which an event is told from its repetitions: 64 bits of a SHA-256, as a decimal
 * text that Postgres takes as bigint. It is compared within one installation only, where even ten
 * million events leave the odds of two sharing a key below one in a hundred thousand.
 */
export function eventKey(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts), 'buffer').readBigInt64BE().toString();
}

/** The JSON of a value, with the keys of its objects in order: equal contents have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** What content is known by. */
export interface ContentName {
  /** 128 bits of the SHA-256 of its JSON, as a UUID. */
  contentId: string;
  /**
   * The first 64 of them, as a decimal text that Postgres takes as bigint. Ten million contents leave the
   * odds of two sharing one below three in a million, and who stores contents under it compares them.
   */
  id: string;
}

/** The name of some content. Every worker gives it the same one, so nobody has to ask the database. */
export function nameContent(...content: unknown[]): ContentName {
  return nameOfJson(JSON.stringify(content));
}

/** The identifier of some content, where 64 bits are too few. */
export function contentId(...content: unknown[]): string {
  return nameContent(...content).contentId;
}

/** The same of content that is JSON already; remembered, since contents repeat. */
const nameOfJson = remember(16_000_000, (json): ContentName => {
  const digest = hash('sha256', json, 'buffer');
  return { contentId: asGuid(digest.toString('hex')), id: digest.readBigInt64BE().toString() };
});

/** The first 128 bits of a hexadecimal text, in the form of a GUID. */
function asGuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
