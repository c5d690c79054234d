const ONSETS = 'zw qv kr vl xh zh pf gl dr br tsch sz kn vr'.split(' ');
const VOWELS = 'a e i o u y ou ei'.split(' ');
const CODAS = 'mb rk nz lt sk x q v lm rz pt gk'.split(' ');
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

/** Draws random numbers, names and tokens, the same in every run. */
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

  /** A unique word that exists in no language. If it appears anywhere, it has leaked. */
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

  /** A capitalised word. */
  name(): string {
    const word = this.word();
    return word.charAt(0).toUpperCase() + word.slice(1);
  }

  /** Digits without a leading zero. */
  digits(count: number): string {
    return `${this.int(1, 9)}` + this.#text(count - 1, '0123456789');
  }

  /** Hexadecimal digits, with both numbers and letters. */
  hex(count: number): string {
    return this.#mixed(count, '0123456789abcdef');
  }

  base32(count: number): string {
    return this.#mixed(count, `${LETTERS}234567`);
  }

  base62(count: number): string {
    return this.#mixed(count, `${LETTERS}${LETTERS.toLowerCase()}0123456789`);
  }

  /** Digits that end in a Luhn check digit. */
  luhn(begin: string, count: number): string {
    const digits = begin + this.digits(count - begin.length - 1);
    const sum = Array.from(digits)
      .reverse()
      .reduce((total, digit, at) => {
        const doubled = Number(digit) * (at % 2 === 0 ? 2 : 1);
        return total + (doubled > 9 ? doubled - 9 : doubled);
      }, 0);
    return `${digits}${(10 - (sum % 10)) % 10}`;
  }

  /** A German IBAN with its check digits (ISO 13616). */
  iban(): string {
    const account = this.digits(18);
    const check = 98n - (BigInt(`${account}131400`) % 97n);
    return `DE${check.toString().padStart(2, '0')}${account}`;
  }

  /** The distinctive values drawn since the last call. */
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
