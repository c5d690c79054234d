import { hash } from 'node:crypto';
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
 * The key under which an event is told from its repetitions: 64 bits of a SHA-256, as a decimal
 * text that Postgres takes as bigint. It is compared within one installation only, where even ten
 * million events leave the odds of two sharing a key below one in a hundred thousand.
 */
export function eventKey(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts), 'buffer').readBigInt64BE().toString();
}

/**
 * The identifier of some content: 128 bits of the SHA-256 of its canonical JSON, as a UUID. Every
 * worker computes the same one, so nobody has to ask the database.
 */
export function contentId(...content: unknown[]): string {
  return contentIdOfJson(JSON.stringify(content));
}

/** The same of content that is JSON already; remembered, since contents repeat. */
const contentIdOfJson = remember(16_000_000, (json) => {
  const hex = hash('sha256', json, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
});
