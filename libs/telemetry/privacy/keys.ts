import { remember } from '../memo.js';
import { isIdentifying, withoutTokens } from './identifying.js';

const MAX_KEY_LENGTH = 100;
/** A key that was replaced before; where two became the same, with a number behind. */
const REPLACED = /^\[\d{1,6}\](?:~\d{1,6})?$/;
const KEY = /^[A-Za-z0-9_$*][A-Za-z0-9_.$=<>!~+*-]*$/;
const NUMBER = /\d{5,}/g;
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/**
 * The name of a property as it may be kept. Developers choose names, but some put an account's number
 * into one: long numbers, GUIDs and hexadecimal tokens become `*`. What is no name, or may be an
 * address or a host, becomes its length in brackets: `[17]`.
 */
export const safeKey = remember(2_000_000, (key: string): string => {
  if (REPLACED.test(key)) return key;
  if (key.length > MAX_KEY_LENGTH) return `[${key.length}]`;
  const starred = withoutTokens(key.replace(GUID, '*')).replace(NUMBER, '*');
  const isKept = (starred === '*' || KEY.test(starred)) && !isIdentifying(starred);
  return isKept ? starred : `[${key.length}]`;
});

const WORDS_OF_A_KEY = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g;
/** Numbers under such a name tell who somebody is, and count nothing. */
const IDENTIFYING = new Set(
  (
    'id ids uid uuid guid account phone tel telephone mobile cell msisdn fax ssn passport iban card zip ' +
    'postcode postal ip mac imei imsi serial lat lon lng latitude longitude birth birthday birthdate ' +
    'dob tax'
  ).split(' '),
);

/** What may stand behind such a name and says no more: `phone_number`, `ipAddress`. */
const KINDS_OF_ID = new Set(['number', 'no', 'nr', 'address', 'date', 'code']);

const ID_IN_ONE_WORD =
  /^(?:account|user|customer|client|tenant|owner|device|machine|session|employee|member|person|org|contact|phone)(?:ids?|number|no)$/;

/** Whether a number under this name may be somebody's: `account_id`, `phoneNumber`. */
export const isIdentifyingKey = remember(2_000_000, (key: string): boolean => {
  const words = key.match(WORDS_OF_A_KEY)?.map((word) => word.toLowerCase()) ?? [];
  const last = words.at(-1) ?? '';
  const named = KINDS_OF_ID.has(last) ? words.at(-2) : last;
  return IDENTIFYING.has(named ?? '') || ID_IN_ONE_WORD.test(last);
});

/** The largest count of anybody's things; numbers of accounts and telephones are longer. */
const MOST = 999_999;

/**
 * Up to where a number under this name is nobody's. Under a plural stands how many there are, or a list of
 * them: `accounts`.
 */
export function mostUnder(key: string): number {
  if (isIdentifyingKey(key)) return -1;
  return isIdentifyingKey(key.replace(/s$/i, '')) ? MOST : Infinity;
}

const EVENT = /^\$?[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)*$/;

/** Whether an event that nobody declared may be kept under its own name. */
export function isEventName(name: string): boolean {
  return name.length <= 64 && EVENT.test(name) && !isIdentifying(name);
}
