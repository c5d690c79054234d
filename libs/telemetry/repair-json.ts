import { InvalidRequest } from './envelope.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Non-finite numbers as Python, Java and C print them. */
const NOT_FINITE = /^-?(?:NaN|Infinity|nan|inf)(?![\w.])/;
/** First bytes of such a number: `-`, `I`, `N`, `i`, `n`. */
const BEGINS_NOT_FINITE = new Set([0x2d, 0x49, 0x4e, 0x69, 0x6e]);
const MAX_CHARACTERS = '-Infinity'.length;
const NULL = Buffer.from('null');

/** Measures the nesting of brackets outside of strings. Stops at the first byte beyond the limit. */
export function measureDepth(bytes: Buffer, limit: number): number {
  let depth = 0;
  for (let at = 0; at < bytes.length && depth <= limit; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = findStringEnd(bytes, at);
    else if (isOpening(byte)) depth += 1;
    else if (isClosing(byte)) depth -= 1;
  }
  return depth;
}

/**
 * Copies JSON, replaces values nested deeper than `maxDepth` by `null`, and quotes non-finite numbers. Needs one pass
 * and at most twice the memory, because the shortest replaced tokens are `[]` and `NaN`.
 * @throws InvalidRequest `too_deep` if the nesting beyond the limit never ends
 */
export function repairJson(bytes: Buffer, maxDepth: number): Buffer {
  const output = new Output(bytes);
  let depth = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = findStringEnd(bytes, at);
    else if (isOpening(byte)) {
      depth += 1;
      if (depth === maxDepth + 1) output.copyTo(at);
    } else if (isClosing(byte)) {
      if (depth === maxDepth + 1) output.replaceTo(at + 1, NULL);
      depth -= 1;
    } else if (depth <= maxDepth && byte !== undefined && BEGINS_NOT_FINITE.has(byte)) {
      const [word] = NOT_FINITE.exec(bytes.toString('latin1', at, at + MAX_CHARACTERS + 1)) ?? [];
      if (word === undefined) continue;
      output.copyTo(at);
      at += word.length - 1;
      output.replaceTo(at + 1, Buffer.from(`"${word}"`));
    }
  }
  if (depth > maxDepth) {
    throw new InvalidRequest('too_deep', `The JSON is nested more than ${maxDepth} levels deep.`);
  }
  output.copyTo(bytes.length);
  return output.bytes;
}

/** A copy of the input in which parts are replaced. */
class Output {
  readonly #input: Buffer;
  readonly #output: Buffer;
  #read = 0;
  #written = 0;

  constructor(input: Buffer) {
    this.#input = input;
    this.#output = Buffer.allocUnsafe(2 * input.length);
  }

  get bytes(): Buffer {
    return this.#output.subarray(0, this.#written);
  }

  /** Copies the input up to `end`. */
  copyTo(end: number): void {
    this.#written += this.#input.copy(this.#output, this.#written, this.#read, end);
    this.#read = end;
  }

  /** Writes other bytes instead of the input up to `end`. */
  replaceTo(end: number, bytes: Buffer): void {
    this.#written += bytes.copy(this.#output, this.#written);
    this.#read = end;
  }
}

/** @returns the position of the closing quote of the string at `start`; the length of the input if it has none */
function findStringEnd(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at += 1) {
    if (bytes[at] === BACKSLASH) at += 1;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.length;
}

function isOpening(byte: number | undefined): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}

function isClosing(byte: number | undefined): boolean {
  return byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}
