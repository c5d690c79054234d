import { isIdentifying, isVersion } from './identifying.js';
import { isRandomKey, isEncodedEmail, isPersonalNumber } from './secrets.js';

/** A short word chosen by an agent: a variant, a provider, the class of an error. */
const TOKEN = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,127}$/;
const SHA1 = /^[0-9a-f]{40}$/i;

/** Reads a short word that is not identifying; null if it is not one. */
export function asToken(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return TOKEN.test(trimmed) && !isIdentifying(trimmed) ? trimmed : null;
}

/** A vendor's keys are GUIDs and short words; longer text is a token or a sentence. */
const KEY = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,63}$/;

/**
 * Reads a key that the vendor assigned to a customer; null if it is not one. It may consist of numbers, but must not be
 * an address, a host, a path, a cloud secret, or the number of a bank account, a card or a person.
 */
export function asCustomerKey(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  const isKey = KEY.test(trimmed) && !isIdentifying(trimmed, 'number', 'guid', 'token', 'serial');
  return isKey && !isSecret(trimmed) ? trimmed : null;
}

/** Whether the text, or a part between separators, is a personal number, an address or a secret. */
function isSecret(text: string): boolean {
  const parts = [text, ...text.split(/[._+~-]/)];
  return parts.some((part) => isPersonalNumber(part) || isEncodedEmail(part) || isRandomKey(part));
}

/** Reads a version, or null. */
export function asVersion(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return isVersion(trimmed) ? trimmed : null;
}

/** Reads a SHA-1 digest, in lower case, or null. */
export function asSha1(raw: unknown): string | null {
  if (typeof raw !== 'string') return null;
  const trimmed = raw.trim();
  return SHA1.test(trimmed) ? trimmed.toLowerCase() : null;
}
