const ONSETS = 'zw qv kr vl xh zh pf gl dr br tsch sz kn vr'.split(' ');
const VOWELS = 'a e i o u y ou ei'.split(' ');
const CODAS = 'mb rk nz lt sk x q v lm rz pt gk'.split(' ');
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

/** Draws numbers, names and tokens: by chance, but the same ones in every run. */
export class Draw {
  #state: number;
  readonly #words = new Set<string>();
  #distinctive: string[] = [];

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from `least` to `most`. */
  int(least: number, most: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return least + (((bits ^ (bits >>> 14)) >>> 0) % (most - least + 1));
  }

  one<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }

  /** A word of no language, never the same one twice: where it turns up, it has leaked. */
  word(): string {
    for (;;) {
      const syllable = () => this.one(ONSETS) + this.one(VOWELS) + this.one(CODAS);
      const word = syllable() + syllable();
      if (word.length < 8 || this.#words.has(word)) continue;
      this.#words.add(word);
      this.#distinctive.push(word);
      return word;
    }
  }

  /** A word with a capital. */
  name(): string {
    const word = this.word();
    return word.charAt(0).toUpperCase() + word.slice(1);
  }

  /** Digits, of which the first is no zero. */
  digits(count: number): string {
    return `${this.int(1, 9)}` + this.#text(count - 1, '0123456789');
  }

  /** Hexadecimal digits, numbers and letters among them. */
  hex(count: number): string {
    return this.#mixed(count, '0123456789abcdef');
  }

  base32(count: number): string {
    return this.#mixed(count, `${LETTERS}234567`);
  }

  base62(count: number): string {
    return this.#mixed(count, `${LETTERS}${LETTERS.toLowerCase()}0123456789`);
  }

  /** What was drawn since the last call and can be told from anything else. */
  takeDistinctive(): string[] {
    const taken = this.#distinctive;
    this.#distinctive = [];
    return taken;
  }

  #mixed(count: number, alphabet: string): string {
    for (;;) {
      const text = this.#text(count, alphabet);
      if (!/\d/.test(text) || !/[a-z]/i.test(text)) continue;
      if (count >= 12) this.#distinctive.push(text);
      return text;
    }
  }

  #text(count: number, alphabet: string): string {
    return Array.from({ length: count }, () =>
      alphabet.charAt(this.int(0, alphabet.length - 1)),
    ).join('');
  }
}
