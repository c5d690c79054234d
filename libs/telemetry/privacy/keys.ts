import { memoize } from '../memo.js';
import { isIdentifying, replaceTokens } from './identifying.js';
import { consistsOfKnownWords } from './known-words.js';

const MAX_KEY_LENGTH = 100;
/**
 * A replaced name, with a suffix if several keys have the same replacement. Clients may send such names too, so their
 * numbers are shorter than one that identifies.
 */
const REPLACED = /^\[\d{1,5}\](?:~\d{1,5})?$/;
const MAX_LENGTH = 99_999;

/** Whether a name has already been replaced by its length, as in a replayed event. */
export const isReplaced = (name: string): boolean => REPLACED.test(name);

/** Replaces a name by its length in brackets: `[17]`. A longer name than can be written has the largest length. */
export const replaceName = (name: string): string => `[${Math.min(name.length, MAX_LENGTH)}]`;

const KEY = /^[A-Za-z0-9_$*][A-Za-z0-9_.$=<>!~+*-]*$/;
const NUMBER = /\d{5,}/g;
const GUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/**
 * The name of a property in a form that may be kept. Developers may put account numbers into names: long numbers,
 * GUIDs and hexadecimal tokens become `*`. Text that is not a name, or may be an address or a host, is replaced by its
 * length in brackets: `[17]`.
 */
export const safeKey = memoize(2_000_000, (key: string): string => {
  if (isReplaced(key)) return key;
  if (key.length > MAX_KEY_LENGTH) return replaceName(key);
  const starred = replaceTokens(key.replace(GUID, '*')).replace(NUMBER, '*');
  const isKept = (starred === '*' || KEY.test(starred)) && !isIdentifying(starred);
  return isKept ? starred : replaceName(key);
});

const EVENT = /^\$?[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)*$/;

/** The form of the names of events, as JSON Schema. */
export const DECLARABLE_EVENT = { pattern: EVENT.source, maxLength: 64 } as const;

/** Whether an event may be declared under this name. A declared name may look like a host: `jobs.acme.build`. */
export function isDeclarableEvent(name: string): boolean {
  const { maxLength } = DECLARABLE_EVENT;
  return name.length <= maxLength && EVENT.test(name) && !isIdentifying(name, 'host');
}

/**
 * Whether an undeclared event may be kept under its name. Each of its words must be known, because `erika.mustermann`
 * has the form of an event. It may contain short numbers.
 * @param declared words of the product's declaration
 */
export function isEventName(name: string, declared?: ReadonlySet<string>): boolean {
  if (name.length > 64 || !EVENT.test(name) || isIdentifying(name)) return false;
  return consistsOfKnownWords(name.replace(EVENT_NUMBER, ''), declared);
}

/** `v2`, `step3`, `90_days`: up to three digits at the end of a word. A single letter is a word, too. */
const EVENT_NUMBER =
  /(?<=^\$?|[._:-])(?:[a-z]\d{0,3}|\d{1,3})(?![a-z0-9])|(?<=[a-z])\d{1,3}(?![a-z0-9])/g;
