import { setTimeout as sleep } from 'node:timers/promises';
import { digestOfToken, type AdminStore } from '#storage';

/** Shortest time between two reads of the digests. */
const RELOAD_MS = 50;

/**
 * The digests of the tokens that exist, in memory. A token that is not among them is refused without a
 * query, so that guesses cannot keep the database busy; one that is among them still has to be looked
 * up, so that a token ends at once on every replica.
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

  /** Forgets a token that the database knows no more. */
  forget(token: string): void {
    this.#ended.add(digestOfToken(token));
  }

  /**
   * Reads the digests again. Callers share a read, and none gets one that began before its call: a token
   * that was made by another process before the call is known afterwards.
   */
  reload(): Promise<void> {
    this.#next ??= this.#afterLoading();
    return this.#next;
  }

  async #afterLoading(): Promise<void> {
    await this.#loading.catch(() => undefined); // its own callers hear of it
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
