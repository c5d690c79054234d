const WINDOW_MS = 60_000;
/** Further keys push out the oldest, so that memory is bounded. */
const MAX_KEYS = 10_000;

/**
 * What each key has used in its current minute, in this process. A minute begins with the first use, and is
 * measured by the monotonic clock: a jump of the machine's time neither frees a key nor locks it out.
 */
export class PerMinute {
  readonly #used = new Map<string, { amount: number; until: number }>();

  add(key: string, amount: number): void {
    const current = this.#current(key);
    if (current) {
      current.amount += amount;
      return;
    }
    const [oldest] = this.#used.size >= MAX_KEYS ? this.#used.keys() : [];
    if (oldest !== undefined) this.#used.delete(oldest);
    this.#used.set(key, { amount, until: performance.now() + WINDOW_MS });
  }

  usedBy(key: string): number {
    return this.#current(key)?.amount ?? 0;
  }

  /** How long until the key's minute is over, in milliseconds. */
  waitMsOf(key: string): number {
    return Math.max(0, (this.#current(key)?.until ?? 0) - performance.now());
  }

  #current(key: string) {
    const current = this.#used.get(key);
    if (!current || current.until > performance.now()) return current;
    this.#used.delete(key);
    return undefined;
  }
}
