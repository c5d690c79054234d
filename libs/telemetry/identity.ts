import { createHmac, hash } from 'node:crypto';
import { memoize } from './memo.js';

/** A GUID with or without its dashes. */
const GUID = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/;
const CANONICAL_GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const URN = 'urn:uuid:';
const BRACKETS = new Set(['{}', '()']);
const MAX_GUID_CHARACTERS = 64;
const MAX_NAME_CHARACTERS = 512;

/**
 * The canonical form of an installation's GUID: lower case, with dashes. Null if the value is not a GUID.
 * Agents write the same GUID in upper case, without dashes, in braces or parentheses, as `urn:uuid:…`
 * in any case (RFC 9562), and with white space around it (DC/OS 1.7 sends a trailing newline).
 */
export function parseInstallationId(raw: unknown): string | null {
  if (typeof raw !== 'string' || raw.length > MAX_GUID_CHARACTERS) return null;
  if (CANONICAL_GUID.test(raw)) return raw;
  return GUID.exec(unwrap(raw.trim().toLowerCase()))?.slice(1).join('-') ?? null;
}

function unwrap(text: string): string {
  const name = text.startsWith(URN) ? text.slice(URN.length) : text;
  return BRACKETS.has(name.charAt(0) + name.slice(-1)) ? name.slice(1, -1) : name;
}

/**
 * GUIDs that contain their creation time and the network address of the machine: versions 1, 2 and 6, also in the
 * byte order of Windows (`…-e511-…` for `…-11e5-…`); and those of Dell's firmware, which begin with "LLED" in ASCII
 * and spell the machine's service tag.
 */
const REVEALS_MACHINE =
  /^4c4c4544-|^[0-9a-f]{8}-[0-9a-f]{4}-(?:[126][0-9a-f]{3}|[09a-f][0-9a-f][126][0-9a-f])-[89ab]/;

/** Cloud resource names. They contain no blanks, unlike error messages that clients send instead of an id. */
const CLOUD_RESOURCE =
  /^(?:arn:[a-z-]+:|acs:|crn:|urn:|ocid1\.|\/?subscriptions\/|\/?projects\/|\/\/[a-z.]+\.googleapis\.com\/)[^\s]{4,500}$/i;

/** Trims the name of a cloud resource; null if it is not one. */
function parseResourceName(raw: unknown): string | null {
  if (typeof raw !== 'string' || raw.length > MAX_NAME_CHARACTERS) return null;
  const name = raw.trim();
  return CLOUD_RESOURCE.test(name) ? name : null;
}

/**
 * The id under which an installation is stored: its GUID. A GUID that reveals the machine, or the name of a cloud
 * resource (which contains an account number), is replaced by a GUID derived with a keyed hash: stable, and not
 * reversible without the key. Names are case-insensitive. Null if the value is neither.
 */
export function installationIdOf(raw: unknown, identityKey: string): string | null {
  const guid = parseInstallationId(raw);
  if (guid !== null) return REVEALS_MACHINE.test(guid) ? deriveGuid(guid, identityKey) : guid;
  const name = parseResourceName(raw);
  return name === null ? null : deriveGuid(name.toLowerCase(), identityKey);
}

/**
 * The id under which earlier releases stored an installation that sends this value. They treated `urn:uuid:…` as the
 * name of a resource, and names as case-sensitive. Null if it equals the current id or did not exist.
 */
export function formerIdOf(raw: unknown, identityKey: string): string | null {
  const name = parseResourceName(raw);
  if (name === null) return null;
  const former = deriveGuid(name, identityKey);
  return former === installationIdOf(raw, identityKey) ? null : former;
}

/** The spellings of the prefix of a GUID's URN. */
const URN_PREFIXES = ['urn:uuid:', 'URN:UUID:', 'urn:UUID:', 'Urn:Uuid:'];

/** The forms in which clients write a GUID. */
function formsOf(guid: string): string[] {
  const digits = guid.replaceAll('-', '');
  const forms = [guid, digits, `{${guid}}`, `(${guid})`, `{${digits}}`];
  return forms.flatMap((form) => [form, form.toUpperCase()]);
}

/**
 * All other ids under which an earlier release may have stored an installation. For a GUID these are derived from its
 * URNs as clients write them, and the GUID itself, which the first releases stored even if it reveals the machine.
 */
export function formerIdsOf(raw: unknown, identityKey: string): string[] {
  const guid = parseInstallationId(raw);
  const ids = new Set([formerIdOf(raw, identityKey) ?? '', guid ?? '']);
  const forms = guid === null ? [] : formsOf(guid);
  for (const prefix of URN_PREFIXES) {
    for (const form of forms) ids.add(deriveGuid(prefix + form, identityKey));
  }
  ids.delete('');
  ids.delete(installationIdOf(raw, identityKey) ?? '');
  return [...ids];
}

/** A GUID of version 8 (RFC 9562, 5.8) from 122 bits of an HMAC-SHA-256. */
function deriveGuid(id: string, identityKey: string): string {
  const bytes = createHmac('sha256', identityKey).update(`installation\0${id}`).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return asGuid(bytes.toString('hex'));
}

/**
 * A person's key within an installation: 64 bits of an HMAC-SHA-256, as decimal text for a bigint of Postgres. The
 * same person has a different key in another installation.
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
 * The key that identifies the duplicates of an event: 64 bits of a SHA-256, as decimal text for a bigint of Postgres.
 * It is compared only within one installation, where with ten million events the probability of a collision is below
 * one in a hundred thousand.
 */
export function eventKey(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts), 'buffer').readBigInt64BE().toString();
}

/** The JSON of a value with sorted keys, so that equal contents have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** The identifiers of some content. */
export interface ContentName {
  /** 128 bits of the SHA-256 of its JSON, as a UUID. */
  contentId: string;
  /**
   * The first 64 of these bits, as decimal text for a bigint of Postgres. With ten million contents, the probability
   * of a collision is below three in a million, and the storage compares the contents.
   */
  id: string;
}

/** Derives the identifiers from the content, so that workers need not query the database for them. */
export function nameContent(...content: unknown[]): ContentName {
  return nameJson(JSON.stringify(content));
}

/** The 128-bit identifier, for uses where 64 bits are too few. */
export function contentId(...content: unknown[]): string {
  return nameContent(...content).contentId;
}

/** Likewise for content that is JSON already. Memoized, because contents repeat. */
const nameJson = memoize(16_000_000, (json): ContentName => {
  const digest = hash('sha256', json, 'buffer');
  return { contentId: asGuid(digest.toString('hex')), id: digest.readBigInt64BE().toString() };
});

/** Formats the first 128 bits of a hexadecimal text as a GUID. */
function asGuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
