/**
 * Splits a message into parts in one pass, in time linear in its length for any input. One regular expression for all
 * parts would be quadratic: if a run of letters is not a URL, it would search again from each letter. Here every
 * expression is sticky and consumes what it has inspected, or is tried only after the end of the run is known, which
 * is determined once per run.
 */

/** Kinds of parts, in the order of detection. */
export type PartKind =
  'text' | 'url' | 'email' | 'path' | 'mac' | 'ip' | 'number' | 'name' | 'word' | 'mark' | 'other';

export interface Part {
  kind: PartKind;
  text: string;
}

/** Splits a well-formed message into parts, in order and without gaps. */
export function* splitMessage(message: string): Generator<Part> {
  const reader = new Reader(message);
  for (let at = 0; at < message.length;) {
    const [kind, end] = reader.partAt(at);
    yield { kind, text: message.slice(at, end) };
    at = end;
  }
}

/** The closing quote of each opening one. */
const QUOTES: Readonly<Record<string, string>> = {
  ...{ '"': '"', '`': '`', "'": "'", '“': '”', '‘': '’', '«': '»' },
};

const ENDS_IN_WORD = /[\p{L}\p{N}]$/u;
const BLANK = /\s/y;
const LETTER = /\p{L}/uy;
const LETTER_OR_NUMBER = /[\p{L}\p{N}]/uy;
const SCHEME = /[\p{L}\p{N}+.-]+/uy;
const URL_PREFIX = /www\.|mailto:|arn:|urn:/y;
const NO_BLANKS = /\S+/uy;
const EMAIL_LEFT = /[^\s<>"'(),;:]+/uy;
const EMAIL_RIGHT = /[^\s<>"'(),;]+/uy;
const LABEL = /[\p{L}\p{N}_-]+/uy;
const MORE_LABELS = /(?:\.[\p{L}\p{N}_-]+)+/uy;
const WINDOWS_PATH = /\p{L}:\\\S*|\\\\\S+/uy;
const UNIX_PATH = /(?:~|\.{1,2})?\/[^\s:,;()'"]+/uy;
const MORE_FOLDERS = /(?:\/[^\s:,;()'"/]+)+\/?/uy;
const MAC = /(?<![\p{L}\p{N}])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\p{L}\p{N}])/uy;
const IPV6 =
  /(?<![\p{L}\p{N}:])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})(?:%\w+)?(?:\/\d+)?(?![\p{L}\p{N}:])/uy;
const IPV4 = /(?<!\p{N})(?:\d{1,3}\.){3}\d{1,3}(?!\p{N})(?:\/\d+)?/uy;
const NUMBER = /[+-]?\d+(?:[.,_' -]\d+)*%?(?![\p{L}\p{N}_])/uy;
const WORD = /[\p{L}\p{N}_$][\p{L}\p{M}\p{N}_$'’-]*/uy;
const MARK = /[\s.,:;!?()[\]{}<>=+*/%&|^#-]/uy;
const OTHER = /./suy;

/** Where a match that begins at a place ends; -1 where none begins there. */
function matchEnd(pattern: RegExp, message: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(message) ? pattern.lastIndex : -1;
}

/** Runs of characters of one kind. Each run is scanned once, even if it is requested at many positions. */
class Runs {
  #end = 0;
  #lastAt = -1;

  constructor(
    private readonly message: string,
    private readonly pattern: RegExp,
  ) {}

  /** @returns the end of the run that contains `at`, or `at` if no run does. Positions must ascend. */
  endFrom(at: number): number {
    if (at < this.#end) return this.#end;
    this.#end = Math.max(at, matchEnd(this.pattern, this.message, at));
    const run = this.message.slice(at, this.#end);
    const last = run.lastIndexOf('@');
    // An address has text after its @, so if the run ends in one, the previous @ counts.
    const isAtEnd = last === run.length - 1 && this.message.charAt(this.#end) !== ':';
    this.#lastAt = at + (isAtEnd ? run.slice(0, -1).lastIndexOf('@') : last);
    return this.#end;
  }

  /** The last @ with text after it, in the run that was requested last. */
  get lastAt(): number {
    return this.#lastAt;
  }
}

/** Finds the next occurrence of a text. Each stretch is searched once; positions must ascend. */
class Occurrences {
  #found = -1;
  #isOver = false;

  constructor(
    private readonly message: string,
    private readonly text: string,
  ) {}

  from(at: number): number {
    if (!this.#isOver && this.#found < at) {
      this.#found = this.message.indexOf(this.text, at);
      this.#isOver = this.#found === -1;
    }
    return this.#isOver ? Infinity : this.#found;
  }
}

/** Finds the parts of one message, from beginning to end. */
class Reader {
  readonly #schemes: Runs;
  readonly #addresses: Runs;
  readonly #labels: Runs;
  readonly #occurrences = new Map<string, Occurrences>();

  constructor(private readonly message: string) {
    this.#schemes = new Runs(message, SCHEME);
    this.#addresses = new Runs(message, EMAIL_LEFT);
    this.#labels = new Runs(message, LABEL);
  }

  partAt(at: number): [kind: PartKind, end: number] {
    if (matchEnd(BLANK, this.message, at) !== -1) return ['mark', at + 1];
    for (const [kind, find] of FINDERS) {
      const end = find(this, at);
      if (end !== -1) return [kind, end];
    }
    return ['other', this.end(OTHER, at)];
  }

  end(pattern: RegExp, at: number): number {
    return matchEnd(pattern, this.message, at);
  }

  /** Quoted literals. An apostrophe within a word does not open one, and one before a letter does not close one. */
  quoteEnd(at: number): number {
    const quote = this.message.charAt(at);
    const closing = QUOTES[quote];
    if (closing === undefined) return -1;
    if (quote === "'" && ENDS_IN_WORD.test(this.message.slice(Math.max(0, at - 2), at))) return -1;
    const close = this.#next(closing, at + 1);
    if (close > this.message.length || close > this.#next('\n', at + 1)) return -1;
    return quote === "'" && this.end(LETTER_OR_NUMBER, close + 1) !== -1 ? -1 : close + 1;
  }

  urlEnd(at: number): number {
    if (this.end(LETTER, at) === -1) return -1;
    const scheme = this.#schemes.endFrom(at);
    if (this.message.startsWith('://', scheme)) {
      const end = this.end(NO_BLANKS, scheme + 3);
      if (end !== -1) return end;
    }
    const prefix = this.end(URL_PREFIX, at);
    return prefix === -1 ? -1 : this.end(NO_BLANKS, prefix);
  }

  emailEnd(at: number): number {
    if (this.#addresses.endFrom(at) === at || this.#addresses.lastAt <= at) return -1;
    return this.end(EMAIL_RIGHT, this.#addresses.lastAt + 1);
  }

  /** A label followed by `more`. */
  labelledEnd(more: RegExp, at: number): number {
    const label = this.#labels.endFrom(at);
    return label === at ? -1 : this.end(more, label);
  }

  #next(text: string, at: number): number {
    const known = this.#occurrences.get(text);
    if (known) return known.from(at);
    const fresh = new Occurrences(this.message, text);
    this.#occurrences.set(text, fresh);
    return fresh.from(at);
  }
}

/** In the order of detection. */
const FINDERS: readonly [PartKind, (reader: Reader, at: number) => number][] = [
  ['text', (reader, at) => reader.quoteEnd(at)],
  ['url', (reader, at) => reader.urlEnd(at)],
  ['email', (reader, at) => reader.emailEnd(at)],
  ['path', (reader, at) => reader.end(WINDOWS_PATH, at)],
  ['path', (reader, at) => reader.end(UNIX_PATH, at)],
  ['path', (reader, at) => reader.labelledEnd(MORE_FOLDERS, at)],
  ['mac', (reader, at) => reader.end(MAC, at)],
  ['ip', (reader, at) => reader.end(IPV6, at)],
  ['ip', (reader, at) => reader.end(IPV4, at)],
  ['number', (reader, at) => reader.end(NUMBER, at)],
  ['name', (reader, at) => reader.labelledEnd(MORE_LABELS, at)],
  ['word', (reader, at) => reader.end(WORD, at)],
  ['mark', (reader, at) => reader.end(MARK, at)],
];
