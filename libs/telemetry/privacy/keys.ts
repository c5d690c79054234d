import { memoize } from '../memo.js';
import { isIdentifying, replaceTokens } from './identifying.js';

const MAX_KEY_LENGTH = 100;
/** A replaced key, with a suffix if several keys have the same replacement. */
const REPLACED = /^\[\d{1,6}\](?:~\d{1,6})?$/;

/** Whether a name has already been replaced by its length, as in a replayed event. */
export const isReplaced = (key: string): boolean => REPLACED.test(key);

const KEY = /^[A-Za-z0-9_$*][A-Za-z0-9_.$=<>!~+*-]*$/;
const NUMBER = /\d{5,}/g;
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/**
 * The name of a property in a form that may be kept. Developers may put account numbers into names: long numbers,
 * GUIDs and hexadecimal tokens become `*`. Text that is not a name, or may be an address or a host, is replaced by its
 * length in brackets: `[17]`.
 */
export const safeKey = memoize(2_000_000, (key: string): string => {
  if (isReplaced(key)) return key;
  if (key.length > MAX_KEY_LENGTH) return `[${key.length}]`;
  const starred = replaceTokens(key.replace(GUID, '*')).replace(NUMBER, '*');
  const isKept = (starred === '*' || KEY.test(starred)) && !isIdentifying(starred);
  return isKept ? starred : `[${key.length}]`;
});

const EVENT = /^\$?[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)*$/;

/** Whether an undeclared event may be kept under its name. */
export function isEventName(name: string): boolean {
  return name.length <= 64 && EVENT.test(name) && !isIdentifying(name);
}
