import type { Logger } from '#platform';
import { networkOf } from '#platform';

const MAX_GUESSES = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Counts invalid tokens per minute by client address, in bounded memory. */
export class Guesses {
  /** In insertion order, so that the oldest windows are evicted first. */
  readonly #windows = new Map<string, { count: number; endsAt: number }>();
  #unlogged = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly logger: Logger) {}

  /**
   * Counts a guess.
   * @param now by the monotonic clock, so that a jump of the machine's time locks no one out
   * @returns 0 within the limit; otherwise the seconds until the address may guess again
   */
  count(address: string, now = performance.now()): number {
    const network = networkOf(address);
    let window = this.#windows.get(network);
    if (window === undefined || window.endsAt <= now) {
      this.#windows.delete(network);
      window = { count: 0, endsAt: now + WINDOW_MS };
      this.#makeRoom();
      this.#windows.set(network, window);
    }
    if (window.count >= MAX_GUESSES) return Math.ceil((window.endsAt - now) / 1000);
    window.count += 1;
    return 0;
  }

  /** Takes a guess back, because the token turned out to be valid. */
  forgive(address: string): void {
    const window = this.#windows.get(networkOf(address));
    if (window) window.count = Math.max(0, window.count - 1);
  }

  /** Logs rejected tokens, at most one line per minute. */
  report(): void {
    this.#unlogged += 1;
    if (this.#timer) return;
    this.#write();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#unlogged > 0) this.#write();
    }, WINDOW_MS).unref();
  }

  #write(): void {
    this.logger.warn({ refused: this.#unlogged }, 'invalid tokens rejected');
    this.#unlogged = 0;
  }

  #makeRoom(): void {
    if (this.#windows.size < MAX_ADDRESSES) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
