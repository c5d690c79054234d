import { setTimeout as sleep } from 'node:timers/promises';
import { digestOfToken, type AdminStore } from '#storage';

/** Minimum time between two reads of the digests. */
const RELOAD_MS = 50;

/**
 * The digests of all tokens, in memory. Unknown tokens are rejected without a query, so that guesses cannot
 * overload the database. Known tokens are still looked up, so that a revocation takes effect on every replica
 * immediately.
 */
export class KnownTokens {
  #digests: ReadonlySet<string> = new Set();
  readonly #ended = new Set<string>();
  #loading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #loadedAt = 0;

  constructor(private readonly store: AdminStore) {}

  has(token: string): boolean {
    const digest = digestOfToken(token);
    return this.#digests.has(digest) && !this.#ended.has(digest);
  }

  /** Forgets a token that the database no longer has. */
  forget(token: string): void {
    this.#ended.add(digestOfToken(token));
  }

  /**
   * Reads the digests again. Callers share a read, but never one that began before their call, so that every token
   * created before the call is known afterwards.
   */
  reload(): Promise<void> {
    this.#next ??= this.#afterLoading();
    return this.#next;
  }

  async #afterLoading(): Promise<void> {
    await this.#loading.catch(() => undefined); // reported to its own callers
    await sleep(Math.max(0, this.#loadedAt + RELOAD_MS - performance.now()));
    this.#next = undefined;
    this.#loadedAt = performance.now();
    this.#loading = this.#load();
    await this.#loading;
  }

  async #load(): Promise<void> {
    this.#digests = await this.store.tokenDigests();
    this.#ended.clear();
  }
}
