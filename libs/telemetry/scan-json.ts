import { InvalidRequest } from './envelope.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/**
 * Rejects JSON with more than `maxValues` values before it is parsed: memory and time grow with the number of values,
 * and a few compressed bytes can expand to millions. Stops reading at the limit.
 *
 * @throws InvalidRequest `too_many_values`
 */
export function checkValues(bytes: Buffer, maxValues: number): void {
  // Every value but the first needs a bracket or a comma, so a short text cannot contain too many.
  if (bytes.length <= maxValues || countValues(bytes, maxValues) <= maxValues) return;
  const message = `The JSON contains more than ${maxValues} values; split it into several requests.`;
  throw new InvalidRequest('too_many_values', message);
}

function countValues(bytes: Buffer, limit: number): number {
  let values = 1;
  let isText = false;
  for (let at = 0; at < bytes.length && values <= limit; at += 1) {
    const byte = bytes[at];
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === COMMA || byte === OPEN_BRACE || byte === OPEN_BRACKET) values += 1;
  }
  return values;
}

/** The members in which Segment's and PostHog's clients send a write key. */
const KEY_MEMBERS = ['"writeKey"', '"api_key"', '"token"', '"$token"'].map((name) =>
  Buffer.from(name),
);

/** Clients put the key at the start or the end of a body. Other members may have the same name. */
const MAX_TRIES = 16;
const MAX_KEY_BYTES = 1024;

/**
 * Whether JSON contains a write key that `isKnown` accepts, anywhere. Does not parse, so a body without a valid key
 * costs only a search of its bytes. Whether the key is in the right place is checked after parsing.
 */
export function mentionsKey(bytes: Buffer, isKnown: (key: string) => boolean): boolean {
  return KEY_MEMBERS.some((member) => {
    const isKnownAt = (at: number) => isKnown(textAt(bytes, at + member.length));
    let at = bytes.indexOf(member);
    for (let tries = 0; at !== -1 && tries < MAX_TRIES; tries += 1) {
      if (isKnownAt(at)) return true;
      at = bytes.indexOf(member, at + member.length);
    }
    if (at === -1) return false;
    at = bytes.lastIndexOf(member);
    for (let tries = 0; at > 0 && tries < MAX_TRIES; tries += 1) {
      if (isKnownAt(at)) return true;
      at = bytes.lastIndexOf(member, at - 1);
    }
    return false;
  });
}

/** The text value of the member whose name ends at `start`; empty if the value is not text. */
function textAt(bytes: Buffer, start: number): string {
  let at = skipBlank(bytes, start);
  if (bytes[at] !== COLON) return '';
  at = skipBlank(bytes, at + 1);
  if (bytes[at] !== QUOTE) return '';
  const end = bytes.indexOf(QUOTE, at + 1);
  return end === -1 || end - at > MAX_KEY_BYTES ? '' : bytes.toString('utf8', at + 1, end);
}

function skipBlank(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && (bytes[at] ?? 0) <= 0x20) at += 1;
  return at;
}
