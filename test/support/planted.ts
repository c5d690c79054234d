import { Draw } from './draw.js';
import { type Kind, KINDS, kinds, LOGINS } from './planted-kinds.js';

export interface Planted {
  kind: Kind | 'control' | 'recorded';
  value: string;
  /** Where it was placed. */
  place: string;
}

/**
 * A place in an event: its path, and its content. In both, `{}` is the identifier. Kinds are
 * excluded if the place legitimately holds values that look like them.
 */
export type Place = readonly [path: string, content?: unknown, except?: readonly Kind[]];

/** In a content, the identifier's digits as a number. */
export const NUMBER = '{#}';

/** Number of notations of each kind. */
const VARIANTS = 4;
/** Length of the needle prefixes in the index. */
const PREFIX = 6;

/**
 * Creates identifiers, each for one place, and finds their traces: any form or distinctive part of
 * an identifier, in upper or lower case.
 */
export class Planter {
  readonly planted: Planted[] = [];
  readonly #draw: Draw;
  readonly #needles = new Map<string, [needle: string, planted: Planted][]>();
  #turn = 0;

  /** @param kindStep each place gets every n-th kind, and the next place the next ones */
  constructor(
    seed: number,
    private readonly kindStep = 1,
  ) {
    this.#draw = new Draw(seed);
  }

  /** Creates a unique identifier, in the next notation. */
  plant(kind: Kind, place: string): string {
    this.#turn += 1;
    this.#draw.takeDistinctive();
    const made = { ...KINDS, ...LOGINS }[kind][this.#turn % VARIANTS]!(this.#draw);
    const [value, ...forms] = typeof made === 'string' ? [made] : made;
    this.#lookFor({ kind, value, place }, [value, ...forms, ...this.#draw.takeDistinctive()]);
    return value;
  }

  /** A word that the search must find, which proves that the search works. */
  control(place: string): string {
    const value = this.#draw.word();
    this.#lookFor({ kind: 'control', value, place }, [value]);
    return value;
  }

  /** Also searches for a value of a recorded request. */
  watch(value: string, place: string): void {
    this.#lookFor({ kind: 'recorded', value, place }, [value]);
  }

  /** Copies of an event that are called like a user. */
  plantNames(dialect: string, base: () => object, count: number): object[] {
    return Array.from({ length: count }, () => ({
      ...base(),
      event: this.plant('login', `${dialect} event`),
    }));
  }

  /** Copies of an event with an identifier of each kind in each place, in this many notations. */
  plantInto(
    dialect: string,
    base: () => object,
    places: readonly Place[],
    ways: 1 | 4 = 1,
  ): object[] {
    return places.flatMap(([path, content = '{}', except = []], place) =>
      kinds
        .filter((kind) => !except.includes(kind))
        .filter((_, index) => (index + place) % this.kindStep === 0)
        .flatMap((kind) => Array.from({ length: ways }, () => kind))
        .map((kind) => {
          const value = this.plant(kind, `${dialect} ${path} ${JSON.stringify(content)}`);
          return put(structuredClone(base()), path.split('/'), content, value);
        }),
    );
  }

  /** All identifiers with a trace in a text. */
  findIn(text: string): Planted[] {
    const haystack = text.toLowerCase();
    const found = new Set<Planted>();
    for (let at = 0; at + PREFIX <= haystack.length; at += 1) {
      for (const [needle, planted] of this.#needles.get(haystack.slice(at, at + PREFIX)) ?? []) {
        if (haystack.startsWith(needle, at) && isWhole(needle, haystack, at)) found.add(planted);
      }
    }
    return [...found];
  }

  #lookFor(planted: Planted, needles: readonly string[]): void {
    this.planted.push(planted);
    for (const needle of new Set(needles.map((one) => one.toLowerCase()))) {
      if (needle.length < PREFIX) throw new Error(`too short to search for: ${needle}`);
      const prefix = needle.slice(0, PREFIX);
      this.#needles.set(prefix, [...(this.#needles.get(prefix) ?? []), [needle, planted]]);
    }
  }
}

/** Numbers do not match inside longer ones, such as hashes. */
function isWhole(needle: string, haystack: string, at: number): boolean {
  if (!/^\d+$/.test(needle)) return true;
  const isDigit = (place: number) => /\d/.test(haystack.charAt(place));
  return !isDigit(at - 1) && !isDigit(at + needle.length);
}

/**
 * Sets the content at a path of an object, and creates missing lists and objects. `+` merges it
 * into an existing object.
 */
function put(into: object, path: string[], content: unknown, value: string): object {
  let at = into as Record<string, unknown>;
  for (const [index, part] of path.entries()) {
    const key = part.replaceAll('{}', () => value);
    const next = path[index + 1];
    if (key === '+') Object.assign(at, fill(content, value));
    else if (next === undefined) at[key] = fill(content, value);
    else at = (at[key] ??= /^\d+$/.test(next) ? [] : {}) as Record<string, unknown>;
  }
  return into;
}

/** The content with each `{}` in texts and keys replaced by the identifier. */
function fill(content: unknown, value: string): unknown {
  if (content === NUMBER) return Number(value.replace(/\D/g, ''));
  if (typeof content === 'string') return content.replaceAll('{}', () => value);
  if (Array.isArray(content)) return content.map((item) => fill(item, value));
  if (typeof content !== 'object' || content === null) return content;
  const entries = Object.entries(content);
  return Object.fromEntries(entries.map(([key, item]) => [fill(key, value), fill(item, value)]));
}
