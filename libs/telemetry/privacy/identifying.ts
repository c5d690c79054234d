/**
 * Shapes of text that may tell who or where somebody is. A text that is kept must have none of them.
 */

/** The last labels of host names. */
const TOP_LEVEL =
  'com|net|org|edu|gov|mil|io|cloud|eu|uk|de|fr|nl|ch|pl|ru|cn|jp|br|au|biz|arpa|' +
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
  url: /:\/\/|^(?:www\.|mailto:|arn:|urn:)/i,
  path: /^~?[/\\]|^[a-z]:[/\\]|[/\\][^/\\]*[/\\]/i,
  // With dashes as well: `ip-10-0-0-5` is how AWS names a host.
  ipv4: /(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)|(?<!\d)(?:\d{1,3}-){3}\d{1,3}(?!\d)/,
  ipv6: /(?<![0-9a-z])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z])/i,
  mac: /(?<![0-9a-z])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-z])/i,
  guid: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i,
  host: HOST,
  number: /\d{6,}|\d(?:[ .()-]{0,2}\d){8,}/,
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

const HEXADECIMAL = /(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])/gi;

/** The text with `*` for every long run of hexadecimal digits that has both numbers and letters. */
export function withoutTokens(text: string): string {
  return text.replace(HEXADECIMAL, (run) => (/\d/.test(run) && /[a-f]/i.test(run) ? '*' : run));
}

/** A name that people gave to a kind of thing: a package, a type, a state. No blanks, no paths. */
const NAME = /^[A-Za-z0-9_$=<>!~+-][A-Za-z0-9_.$=<>!~+#-]{0,63}$/;

/** Whether a text may be kept as the name of a kind of thing. */
export function isName(text: string): boolean {
  return NAME.test(text) && !isIdentifying(text);
}

const VERSION = /^v?\d[\w.+~-]{0,63}$/i;
/** A version that has no number yet, or one of its own kind: `master`, `beta-1.2`, `stub-universe`. */
const STAGE =
  /^(?:alpha|beta|rc|dev|main|master|nightly|testing|snapshot|stub|latest|stable|edge)(?:[-.](?:universe|\d[\w.+-]{0,40}))*$/i;
/** What may look like a version and is an account's number, a telephone's, or an address. */
const NO_VERSION = /\d{9,}|(?<!\d)\d{3}-\d{3,4}(?!\d)|(?<![\d.])\d{2,3}(?:\.\d{1,3}){3}(?![\d.])/;

/** Whether a text may be kept as a version. */
export function isVersion(text: string): boolean {
  const isOne = VERSION.test(text) || STAGE.test(text);
  return isOne && !NO_VERSION.test(text) && !isIdentifying(text, 'ipv4', 'number', 'token');
}
