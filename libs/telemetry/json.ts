import { InvalidRequest } from './envelope.js';
import { measureDepth, repairJson } from './repair-json.js';
import { isObject } from './vocabulary.js';

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** Finds possible non-finite numbers in text that is not JSON. */
const NOT_FINITE_IN_TEXT = /nan|inf/i;

/**
 * Finds numbers that may overflow: with an exponent, or with at least 309 digits. What follows a number keeps the
 * digests and GUIDs of strings out.
 */
const MAY_OVERFLOW = /\de\+?\d+\s*(?:[,\]}]|$)|(?<!\d)\d{309}/i;

/**
 * `{"batch": [event]}` puts events two levels down. One more level is kept, so that an event above the limit still
 * exceeds it after its deeper levels are removed.
 */
const EXTRA_LEVELS = 3;

/**
 * Parses the JSON of a request (UTF-8; a byte order mark is skipped). It repairs two faults, so that they affect only
 * their own event and not the whole request:
 * - Bare `NaN`, `Infinity` and `-Infinity`, as clients in Python and Java write them, become text of the same
 *   spelling. A number that overflows becomes the text `1e999`, because JSON in the queue cannot represent it.
 * - Values nested so deep that their event is above `maxDepth` (see `depthCheck`) become null.
 *
 * Keys such as `__proto__` become ordinary own properties and are never assigned elsewhere.
 * @throws InvalidRequest `invalid_json`, or `too_deep` if the nesting never ends; the message never quotes the text
 */
export function parseJson(bytes: Buffer, maxDepth: number): unknown {
  const maxBrackets = maxDepth + EXTRA_LEVELS;
  const isDeep =
    !hasFewBrackets(bytes, maxBrackets) && measureDepth(bytes, maxBrackets) > maxBrackets;
  const text = decode(isDeep ? repairJson(bytes, maxBrackets) : bytes);
  try {
    const value: unknown = JSON.parse(text);
    return MAY_OVERFLOW.test(text) ? replaceOverflow(value) : value;
  } catch (error) {
    if (!isDeep && NOT_FINITE_IN_TEXT.test(text))
      return parseRepaired(repairJson(bytes, maxBrackets), error, text);
    throw new InvalidRequest('invalid_json', describeSyntaxError(error, text));
  }
}

/** @param failure the original parse error, which is reported if the repair does not help */
function parseRepaired(repaired: Buffer, failure: unknown, text: string): unknown {
  try {
    return replaceOverflow(JSON.parse(decode(repaired)));
  } catch {
    throw new InvalidRequest('invalid_json', describeSyntaxError(failure, text));
  }
}

/** Replaces numbers that overflow by text. */
function replaceOverflow(value: unknown): unknown {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : value > 0 ? '1e999' : '-1e999';
  }
  if (Array.isArray(value)) return value.map(replaceOverflow);
  if (!isObject(value)) return value;
  for (const [key, part] of Object.entries(value)) {
    if (typeof part === 'number' ? !Number.isFinite(part) : typeof part === 'object') {
      Object.defineProperty(value, key, { value: replaceOverflow(part) });
    }
  }
  return value;
}

function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/**
 * Creates a check whether an event of a request is nested more than `maxDepth` levels deep. The event itself is the
 * first level.
 * @param bytes the request. If it has few brackets, no event needs to be inspected.
 */
export function depthCheck(bytes: Buffer, maxDepth: number): (event: unknown) => boolean {
  if (hasFewBrackets(bytes, maxDepth)) return () => false;
  return (event) => isDeeper(event, maxDepth);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && isDeeper(part, levels - 1)) return true;
  }
  return false;
}

/** True for most requests, and fast, because the search for brackets is native. */
function hasFewBrackets(bytes: Buffer, max: number): boolean {
  return countUpTo(bytes, OPEN_BRACE, max) + countUpTo(bytes, OPEN_BRACKET, max) <= max;
}

function countUpTo(bytes: Buffer, byte: number, limit: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at !== -1 && count <= limit; at = bytes.indexOf(byte, at + 1))
    count += 1;
  return count;
}

/** The end of those messages of V8 that contain the position. Messages that quote the text end differently. */
const PLACE = / JSON at position (\d+)(?: \(line \d+ column \d+\))?$/;

const TYPOGRAPHIC_QUOTE = /[\u201c\u201d\u2018\u2019]/;

/**
 * Describes where the text stops being JSON, in line and column, without quoting it. If V8's message has no position,
 * a typographic quote, as word processors write it, is the most likely cause.
 */
function describeSyntaxError(error: unknown, text: string): string {
  if (text.trim() === '') return 'The body is empty; JSON was expected.';
  const place = PLACE.exec(error instanceof Error ? error.message : '')?.[1];
  const position = place === undefined ? text.search(TYPOGRAPHIC_QUOTE) : Number(place);
  if (position === -1) return 'The body is not valid JSON.';
  const before = text.slice(0, position).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  const hint = TYPOGRAPHIC_QUOTE.test(text.charAt(position))
    ? ' Replace the typographic quote there by ".'
    : '';
  return `The body is not valid JSON: line ${before.length}, column ${column}.${hint}`;
}
