import { InvalidRequest } from './envelope.js';
import { measureDepth, mend } from './mend-json.js';
import { isObject } from './vocabulary.js';

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** What may be a number that is not finite, in text that is no JSON. */
const NOT_FINITE_IN_TEXT = /nan|inf/i;

/**
 * A request wraps its events: `{"batch": [event]}` puts them two levels down. One more is kept, so that an event
 * above the limit still is when the rest of it is gone.
 */
const EXTRA_LEVELS = 3;

/**
 * Parses the JSON of a request (UTF-8; a byte order mark is skipped). Two things that would cost every other
 * event of the request are mended, so that they cost only the event that holds them:
 * - Bare `NaN`, `Infinity` and `-Infinity`, as clients in Python and Java write them, become text of the same
 *   spelling. A number that overflows becomes the text `1e999`, because the queue could not carry it.
 * - Values nested so deep that their event is above `maxDepth` (see `depthCheck`) become null.
 *
 * Keys such as `__proto__` become ordinary own properties and are never assigned elsewhere.
 * @throws InvalidRequest `invalid_json`, or `too_deep` if deep nesting never ends; the message never repeats
 * the text
 */
export function parseJson(bytes: Buffer, maxDepth: number): unknown {
  const most = maxDepth + EXTRA_LEVELS;
  const isDeep = !hasFewBrackets(bytes, most) && measureDepth(bytes, most) > most;
  const text = decode(isDeep ? mend(bytes, most) : bytes);
  try {
    const value: unknown = JSON.parse(text);
    return hasOverflow(value) ? withoutOverflow(value) : value;
  } catch (error) {
    if (!isDeep && NOT_FINITE_IN_TEXT.test(text))
      return parseMended(mend(bytes, most), error, text);
    throw new InvalidRequest('invalid_json', describeSyntaxError(error, text));
  }
}

/** @param failure why the text could not be parsed as it was, to be reported if mending did not help */
function parseMended(mended: Buffer, failure: unknown, text: string): unknown {
  try {
    return withoutOverflow(JSON.parse(decode(mended)));
  } catch {
    throw new InvalidRequest('invalid_json', describeSyntaxError(failure, text));
  }
}

/** Whether the value holds a number above 1.8e308: JSON.parse reads it as infinite. */
function hasOverflow(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  for (const part of Object.values(value)) {
    if (typeof part !== 'string' && hasOverflow(part)) return true;
  }
  return false;
}

/** The value with text in place of numbers that overflow. */
function withoutOverflow(value: unknown): unknown {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : value > 0 ? '1e999' : '-1e999';
  }
  if (Array.isArray(value)) return value.map(withoutOverflow);
  if (!isObject(value)) return value;
  for (const [key, part] of Object.entries(value)) {
    if (typeof part === 'number' ? !Number.isFinite(part) : typeof part === 'object') {
      Object.defineProperty(value, key, { value: withoutOverflow(part) });
    }
  }
  return value;
}

function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/**
 * Makes the check whether an event of a request is nested more than `maxDepth` levels deep. The event itself is
 * the first level.
 * @param bytes the request, which most often is too flat for any of its events to be
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

/** Most requests have: a native search for brackets clears them. */
function hasFewBrackets(bytes: Buffer, most: number): boolean {
  return countUpTo(bytes, OPEN_BRACE, most) + countUpTo(bytes, OPEN_BRACKET, most) <= most;
}

function countUpTo(bytes: Buffer, byte: number, limit: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at !== -1 && count <= limit; at = bytes.indexOf(byte, at + 1))
    count += 1;
  return count;
}

/** How V8 ends a message that names the place. One that quotes the text ends otherwise. */
const PLACE = / JSON at position (\d+)(?: \(line \d+ column \d+\))?$/;

const TYPOGRAPHIC_QUOTE = /[\u201c\u201d\u2018\u2019]/;

/**
 * Where the text stops being JSON, in line and column; V8's own message would quote it, or leave the
 * place out. Then a typographic quote, as word processors write it, is the likeliest culprit.
 */
function describeSyntaxError(error: unknown, text: string): string {
  if (text.trim() === '') return 'The body is empty; JSON was expected.';
  const place = PLACE.exec(error instanceof Error ? error.message : '')?.[1];
  const position = place === undefined ? text.search(TYPOGRAPHIC_QUOTE) : Number(place);
  if (position === -1) return 'The body is not valid JSON.';
  const before = text.slice(0, position).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  const hint = TYPOGRAPHIC_QUOTE.test(text.charAt(position))
    ? ' There stands a typographic quote; JSON wants the plain ".'
    : '';
  return `The body is not valid JSON: line ${before.length}, column ${column}.${hint}`;
}
