import { isIdentifying, isVersion } from './identifying.js';

/** A short word of an agent's own: a variant, a provider, the class of an error. */
const TOKEN = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,127}$/;
const SHA1 = /^[0-9a-f]{40}$/i;

/** A short word that names a kind of thing and nobody, or null. */
export function asToken(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return TOKEN.test(trimmed) && !isIdentifying(trimmed) ? trimmed : null;
}

/**
 * A key that the vendor gave to a customer, or null. It may consist of numbers; but it is no address,
 * host or path.
 */
export function asCustomerKey(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  const isKey = TOKEN.test(trimmed) && !isIdentifying(trimmed, 'number', 'guid', 'token', 'serial');
  return isKey ? trimmed : null;
}

/** A version, or null. */
export function asVersion(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return isVersion(trimmed) ? trimmed : null;
}

/** A SHA-1 digest in lower-case hexadecimal digits, or null. */
export function asSha1(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return SHA1.test(trimmed) ? trimmed.toLowerCase() : null;
}
