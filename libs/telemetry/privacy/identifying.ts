import { containsHost } from './hosts.js';
import { containsServiceKey, isEncodedEmail } from './secrets.js';

/*
 * Shapes of text that may identify a person or a place. Text that is kept must have none of them.
 */

type Test = (text: string) => boolean;

const matching =
  (pattern: RegExp): Test =>
  (text) =>
    pattern.test(text);

const SHAPES = {
  email: matching(/@/),
  url: matching(/:\/\/|(?<![0-9a-z])(?:www\.|mailto:|arn:|urn:)/i),
  path: matching(/^~?[/\\]|^[a-z]:[/\\]|[/\\][^/\\]*[/\\]/i),
  // With dashes in AWS host names (`ip-10-0-0-5`), with underscores in keys.
  ipv4: matching(/(?<!\d)\d{1,3}([._-])\d{1,3}\1\d{1,3}\1\d{1,3}(?!\d)/),
  ipv6: matching(/(?<![0-9a-z])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z])/i),
  mac: matching(
    /(?<![0-9a-z])(?:(?:[0-9a-f]{2}[:_-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})(?![0-9a-z])/i,
  ),
  guid: matching(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i),
  host: containsHost,
  secret: containsServiceKey,
  serial: containsSerial,
  number: matching(/\d{6}|\d(?:[ ._()-]{0,2}\d){8}/),
} satisfies Record<string, Test>;

/** Groups of letters and digits joined by dashes, as in serial numbers and licence keys. */
function containsSerial(text: string): boolean {
  return text
    .toLowerCase()
    .split(/[^a-z0-9-]/)
    .some(isSerial);
}

function isSerial(name: string): boolean {
  let mixed = 0;
  for (const group of name.split('-')) {
    if (group.length < 4 || group.length > 6) mixed = 0;
    else if (/[a-z]/.test(group) && /\d/.test(group)) mixed += 1;
    if (mixed === 2) return true;
  }
  return false;
}

export type Shape = keyof typeof SHAPES | 'token';

const TESTS = Object.entries(SHAPES) as [Shape, Test][];

/** Longer text is not a name, and is rejected without inspection. */
const MAX_LENGTH = 512;

/** Whether a text has a shape that may identify a person or a place, except for `allowed` shapes. */
export function isIdentifying(text: string, ...allowed: Shape[]): boolean {
  if (text.length > MAX_LENGTH) return true;
  if (!allowed.includes('token') && replaceTokens(text) !== text) return true;
  return TESTS.some(([shape, test]) => !allowed.includes(shape) && test(text));
}

/** The shortest e-mail addresses have eight characters in base64. */
const LONG_WORD = /[A-Za-z0-9]{8,}/g;
const MIN_TOKEN_LENGTH = 12;

/** Replaces every long word that looks like a key, a session id or a digest by `*`. */
export function replaceTokens(text: string): string {
  return text.replace(LONG_WORD, (word) => (isToken(word) ? '*' : word));
}

/** Names have digits in at most one place, and are shorter. */
function isToken(word: string): boolean {
  if (isEncodedEmail(word)) return true;
  if (word.length < MIN_TOKEN_LENGTH) return false;
  if (containsServiceKey(word)) return true;
  if (!/\d/.test(word) || !/[a-z]/i.test(word)) return false;
  if (/^[0-9a-f]+$/i.test(word) || /\d[a-z]+\d/i.test(word)) return true;
  const hasOneCase = word === word.toUpperCase();
  return hasOneCase ? word.length >= 16 : word.length >= 20 && /[A-Z]/.test(word);
}

/** The name of a package, a type, a state. No blanks, no paths. */
const NAME = /^[A-Za-z0-9_$=<>!~+-][A-Za-z0-9_.$=<>!~+#-]{0,63}$/;

/** Whether a text may be kept as the name of a kind of thing. */
export function isName(text: string): boolean {
  return NAME.test(text) && !isIdentifying(text);
}

/** Begins with a number without leading zeros, optionally followed by a few letters (`3rc1`). */
const VERSION = /^v?(?!0\d)(?:\d{1,8}|\d{1,5}[a-z]{1,4}\d{0,3})(?:[.+~_-][\w.+~-]{0,60}\w)?$/i;
/** A version that begins with a word: `master`, `beta-1.2`, `stub-universe`. */
const STAGE =
  /^(?:alpha|beta|rc|dev|main|master|nightly|testing|snapshot|stub|latest|stable|edge)(?:[-.]universe)?(?:[-.]\d[\w.+-]{0,60})?$/i;
/** Numbers of accounts, telephones or persons, and addresses, that may look like a version. */
const NO_VERSION = [
  /\d{9}/,
  /(?<!\d)\d{3,4}-\d{3,4}(?!\d)/,
  /^\d{3}-\d{2}-\d{4}$|^\d{3}\.\d{4}\.\d{4}\.\d{2}$/,
  /(?<!\d)\d{3,20}([._-])\d{3,20}\1\d{3}/,
  // The first two numbers of a version are small.
  /(?<![\d.])(?:\d{2,3}\.\d{1,3}|\d\.\d{3})(?:\.\d{1,3}){2}(?!\d)/,
];
const MAX_VERSION_LENGTH = 100;
const COMMIT = /^[0-9a-f]{7,40}$/;

/** Whether a text may be kept as a version. It may contain a commit digest. */
export function isVersion(text: string): boolean {
  if (text.length > MAX_VERSION_LENGTH || (!VERSION.test(text) && !STAGE.test(text))) return false;
  const longWords = text.match(LONG_WORD) ?? [];
  const hasToken = longWords.some((word) => isToken(word) && !COMMIT.test(word));
  const isOtherNumber = NO_VERSION.some((pattern) => pattern.test(text));
  return !hasToken && !isOtherNumber && !isIdentifying(text, 'ipv4', 'number', 'token');
}
