import { isIdentifying, isVersion } from './identifying.js';
import { isDrawn, isEncodedEmail, isNumberOfAPerson } from './secrets.js';

/** A short word of an agent's own: a variant, a provider, the class of an error. */
const TOKEN = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,127}$/;
const SHA1 = /^[0-9a-f]{40}$/i;

/** A short word that names a kind of thing and nobody, or null. */
export function asToken(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return TOKEN.test(trimmed) && !isIdentifying(trimmed) ? trimmed : null;
}

/** A vendor's keys are GUIDs and short words; what is longer is a token or a text. */
const KEY = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,63}$/;

/**
 * A key that the vendor gave to a customer, or null. It may consist of numbers; but it is no address, host or
 * path, no secret of a cloud, and no number of a bank account, a card or a person.
 */
export function asCustomerKey(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  const isKey = KEY.test(trimmed) && !isIdentifying(trimmed, 'number', 'guid', 'token', 'serial');
  return isKey && !isSecret(trimmed) ? trimmed : null;
}

/** Whether the whole, or a part between dashes and dots, is somebody's number, address or secret. */
function isSecret(text: string): boolean {
  const parts = [text, ...text.split(/[._+~-]/)];
  return parts.some((part) => isNumberOfAPerson(part) || isEncodedEmail(part) || isDrawn(part));
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
