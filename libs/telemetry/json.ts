import { InvalidRequest } from './envelope.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Parses JSON (UTF-8, a byte order mark is passed over) that is nested at most `maxDepth` deep.
 * Keys such as `__proto__` become ordinary own properties and are never assigned elsewhere.
 * Throws InvalidRequest `invalid_json` or `too_deep`; the message never repeats the text.
 */
export function parseJson(bytes: Buffer, maxDepth: number): unknown {
  checkDepth(bytes, maxDepth);
  const decoded = bytes.toString('utf8');
  const text = decoded.charCodeAt(0) === 0xfeff ? decoded.slice(1) : decoded;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidRequest('invalid_json', describeSyntaxError(error, text));
  }
}

function checkDepth(bytes: Buffer, maxDepth: number): void {
  // Text with few brackets cannot be deep: most events are cleared by a native search.
  if (countUpTo(bytes, OPEN_BRACE, maxDepth) + countUpTo(bytes, OPEN_BRACKET, maxDepth) <= maxDepth)
    return;
  if (measureDepth(bytes, maxDepth) > maxDepth) {
    throw new InvalidRequest('too_deep', `The JSON is nested more than ${maxDepth} levels deep.`);
  }
}

function countUpTo(bytes: Buffer, byte: number, limit: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte); at !== -1 && count <= limit; at = bytes.indexOf(byte, at + 1))
    count += 1;
  return count;
}

/** The nesting of brackets outside of strings; stops at the first byte beyond the limit. */
function measureDepth(bytes: Buffer, limit: number): number {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length && depth <= limit; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return depth;
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
