import { remember } from '../memo.js';
import { isIdentifying, withoutTokens } from './identifying.js';

const MAX_KEY_LENGTH = 100;
/** A key that was replaced before; where two became the same, with a number behind. */
const REPLACED = /^\[\d{1,6}\](?:~\d{1,6})?$/;

/** Whether a name was replaced by its length before, as in an event that is read again. */
export const isReplaced = (key: string): boolean => REPLACED.test(key);

const KEY = /^[A-Za-z0-9_$*][A-Za-z0-9_.$=<>!~+*-]*$/;
const NUMBER = /\d{5,}/g;
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/**
 * The name of a property as it may be kept. Developers choose names, but some put an account's number
 * into one: long numbers, GUIDs and hexadecimal tokens become `*`. What is no name, or may be an
 * address or a host, becomes its length in brackets: `[17]`.
 */
export const safeKey = remember(2_000_000, (key: string): string => {
  if (isReplaced(key)) return key;
  if (key.length > MAX_KEY_LENGTH) return `[${key.length}]`;
  const starred = withoutTokens(key.replace(GUID, '*')).replace(NUMBER, '*');
  const isKept = (starred === '*' || KEY.test(starred)) && !isIdentifying(starred);
  return isKept ? starred : `[${key.length}]`;
});

const EVENT = /^\$?[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)*$/;

/** Whether an event that nobody declared may be kept under its own name. */
export function isEventName(name: string): boolean {
  return name.length <= 64 && EVENT.test(name) && !isIdentifying(name);
}
