/**
 * Shapes of text that may tell who or where somebody is. A text that is kept must have none of them.
 */

/** The last label of host names, as far as names of software do not end like that. */
const TOP_LEVEL =
  'com|net|org|edu|gov|mil|int|io|co|biz|info|cloud|eu|us|uk|de|fr|nl|ch|at|it|es|se|no|pl|ru|cn|jp|in|br|au|ca|' +
  'local|localhost|localdomain|internal|intranet|intra|lan|corp|home|private|arpa|test|example|invalid';

const SHAPES = {
  email: /@/,
  url: /:\/\/|^(?:www\.|mailto:|arn:|urn:)/i,
  path: /^~?[/\\]|^[a-z]:[/\\]|[/\\].*[/\\]/i,
  ipv4: /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/,
  ipv6: /(?<![0-9a-z])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z])/i,
  mac: /(?<![0-9a-z])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-z])/i,
  guid: /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i,
  host: new RegExp(`[a-z0-9-]\\.(?:${TOP_LEVEL})(?![a-z0-9_-])`, 'i'),
  number: /\d{6,}|\d(?:[ .()-]{0,2}\d){8,}/,
  token: /(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])/i,
};

type Shape = keyof typeof SHAPES;

/** Whether a text has a shape that may tell who or where somebody is, but for those `allowed`. */
export function isIdentifying(text: string, ...allowed: Shape[]): boolean {
  return Object.entries(SHAPES).some(
    ([shape, pattern]) => !allowed.includes(shape as Shape) && pattern.test(text),
  );
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
const LONG_NUMBER = /\d{9,}/;
/** Four numbers with dots are an address, unless the first is as small as versions are. */
const ADDRESS = /^\d{2,3}(?:\.\d{1,3}){3}$/;

/** Whether a text may be kept as a version. */
export function isVersion(text: string): boolean {
  const isOne = VERSION.test(text) || STAGE.test(text);
  return isOne && !LONG_NUMBER.test(text) && !ADDRESS.test(text);
}
