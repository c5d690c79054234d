/**
 * Shapes of text that may tell who or where somebody is. A text that is kept must have none of them.
 */

/** The last labels of host names. */
const TOP_LEVEL =
  'com|net|org|edu|gov|mil|io|cloud|eu|uk|de|fr|nl|ch|pl|ru|cn|jp|br|au|biz|arpa|' +
  'be|dk|fi|ie|pt|cz|gr|hu|ua|lu|lv|il|ae|za|nz|kr|tw|hk|vn|cl|xyz|gmbh|' +
  'local|localhost|localdomain|internal|intranet|lan|corp|example|invalid';
/** Those that end the names of other things, too: they count behind two labels. */
const OTHER_TOP_LEVEL = 'info|test|home|private|int|co|us|in|at|it|es|se|no|ca|app|dev';
const LABEL = '[a-z0-9-]{1,63}';
const END = String.raw`(?![a-z0-9]|\.[\w-])`;

/** `java.net.Socket` is none, for nothing stands before `java` and something behind `net`. */
const HOST = new RegExp(
  `[a-z0-9-]\\.(?:${TOP_LEVEL})${END}|` +
    `[a-z0-9-]\\.${LABEL}\\.(?:(?:${TOP_LEVEL})(?![a-z0-9])|(?:${OTHER_TOP_LEVEL})${END})`,
  'i',
);

const SHAPES = {
  email: /@/,
  url: /:\/\/|(?<![0-9a-z])(?:www\.|mailto:|arn:|urn:)/i,
  path: /^~?[/\\]|^[a-z]:[/\\]|[/\\][^/\\]*[/\\]/i,
  // With dashes as well: `ip-10-0-0-5` is how AWS names a host. Keys have underscores there.
  ipv4: /(?<!\d)\d{1,3}([._-])\d{1,3}\1\d{1,3}\1\d{1,3}(?!\d)/,
  ipv6: /(?<![0-9a-z])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z])/i,
  mac: /(?<![0-9a-z])(?:(?:[0-9a-f]{2}[:_-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4})(?![0-9a-z])/i,
  guid: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i,
  host: HOST,
  // Groups of letters and numbers, as serial numbers and licence keys have them.
  serial:
    /(?<![a-z0-9])(?:[a-z0-9]{4,6}-)*(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{4,6}-(?:[a-z0-9]{4,6}-)*(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{4,6}(?![a-z0-9])/i,
  number: /\d{6,}|\d(?:[ ._()-]{0,2}\d){8,}/,
};

export type Shape = keyof typeof SHAPES | 'token';

/** Nobody gives a name of this length to anything; and no longer text is worth the look. */
const MAX_LENGTH = 512;

/** Whether a text has a shape that may tell who or where somebody is, but for those `allowed`. */
export function isIdentifying(text: string, ...allowed: Shape[]): boolean {
  if (text.length > MAX_LENGTH) return true;
  if (!allowed.includes('token') && withoutTokens(text) !== text) return true;
  return Object.entries(SHAPES).some(
    ([shape, pattern]) => !allowed.includes(shape as Shape) && pattern.test(text),
  );
}

const LONG_WORD = /[A-Za-z0-9]{12,}/g;

/** The text with `*` for every long word that looks like a key, a session's id or a digest. */
export function withoutTokens(text: string): string {
  return text.replace(LONG_WORD, (word) => (isToken(word) ? '*' : word));
}

/** Names of things have their numbers at one place, if any, and are not that long. */
function isToken(word: string): boolean {
  if (/^A[KS]IA[A-Z0-9]{12,}$/.test(word)) return true; // the keys of AWS
  if (!/\d/.test(word) || !/[a-z]/i.test(word)) return false;
  if (/^[0-9a-f]+$/i.test(word) || /\d[a-z]+\d/i.test(word)) return true;
  const isOfOneCase = word === word.toUpperCase();
  return isOfOneCase ? word.length >= 16 : word.length >= 20 && /[A-Z]/.test(word);
}

/** A name that people gave to a kind of thing: a package, a type, a state. No blanks, no paths. */
const NAME = /^[A-Za-z0-9_$=<>!~+-][A-Za-z0-9_.$=<>!~+#-]{0,63}$/;

/** Whether a text may be kept as the name of a kind of thing. */
export function isName(text: string): boolean {
  return NAME.test(text) && !isIdentifying(text);
}

/** It begins with a number without zeros before it, that may have a few letters behind it (`3rc1`). */
const VERSION = /^v?(?!0\d)(?:\d{1,8}|\d{1,5}[a-z]{1,4}\d{0,3})(?:[.+~_-][\w.+~-]{0,60}\w)?$/i;
/** A version that has no number yet, or one of its own kind: `master`, `beta-1.2`, `stub-universe`. */
const STAGE =
  /^(?:alpha|beta|rc|dev|main|master|nightly|testing|snapshot|stub|latest|stable|edge)(?:[-.](?:universe|\d[\w.+-]{0,40}))*$/i;
/** What may look like a version and is a number of an account, a telephone, a person, or an address. */
const NO_VERSION = new RegExp(
  [
    String.raw`\d{9,}`,
    String.raw`(?<!\d)\d{3,4}-\d{3,4}(?!\d)`,
    String.raw`^\d{3}-\d{2}-\d{4}$|^\d{3}\.\d{4}\.\d{4}\.\d{2}$`,
    String.raw`(?<!\d)\d{3,}([._-])\d{3,}\1\d{3,}(?!\d)`,
    // The first two numbers of a version are small.
    String.raw`(?<![\d.])(?:\d{2,3}\.\d{1,3}|\d\.\d{3})(?:\.\d{1,3}){2}(?!\d)`,
  ].join('|'),
);
const COMMIT = /^[0-9a-f]{7,40}$/;

/** Whether a text may be kept as a version. It may have the digest of a commit in it. */
export function isVersion(text: string): boolean {
  if (!VERSION.test(text) && !STAGE.test(text)) return false;
  const longWords = text.match(LONG_WORD) ?? [];
  const hasToken = longWords.some((word) => isToken(word) && !COMMIT.test(word));
  return !hasToken && !NO_VERSION.test(text) && !isIdentifying(text, 'ipv4', 'number', 'token');
}
