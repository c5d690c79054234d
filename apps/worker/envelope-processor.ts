import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvelopeBatch } from '#queue';
import { isConnectionLoss, type Database, type TelemetryStore } from '#storage';
import { normalise, type NormaliseOptions } from '#telemetry';

const CHECK_INTERVAL_MS = 1000;
/**
 * After a lost connection the job is retried in place, because the queue would delay it longer after every loss.
 * A job that keeps losing its connection may be the cause, so after this many attempts it returns to the queue.
 */
const ATTEMPTS = 10;
const FIRST_PAUSE_MS = 50;

/** Normalises the events of a batch and stores the result. */
export class EnvelopeProcessor {
  readonly #store: TelemetryStore;
  readonly #database: Database;
  readonly #optionsNow: () => NormaliseOptions;
  readonly #stopping = new AbortController();

  /** @param optionsNow the current rules for events; they may change at any time */
  constructor(store: TelemetryStore, database: Database, optionsNow: () => NormaliseOptions) {
    this.#store = store;
    this.#database = database;
    this.#optionsNow = optionsNow;
  }

  /** Bad data becomes a stored fate. Throws only if a dependency is broken; then the queue retries. */
  async process({ batchId, gatheredAt, accepted, envelopes }: EnvelopeBatch): Promise<void> {
    const options = this.#optionsNow();
    const events = envelopes.map((envelope) => normalise(envelope, options));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#store.save({ batchId, gatheredAt, accepted, events });
      } catch (error) {
        await this.#untilStoreIsBack();
        const isLoss = isConnectionLoss(error) && attempt < ATTEMPTS;
        if (!isLoss || this.#stopping.signal.aborted) throw error;
      }
      await this.#pause(FIRST_PAUSE_MS * attempt);
    }
  }

  /** Stops waiting for the database: running jobs fail, and the queue delivers them again. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * While the database is unavailable, a worker keeps its current jobs. Otherwise it would take, fail and delay
   * every job of the queue in turn.
   */
  async #untilStoreIsBack(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const isBack = await this.#database.check().then(
        () => true,
        () => false,
      );
      if (isBack) return;
      await this.#pause(CHECK_INTERVAL_MS);
    }
  }

  async #pause(forMs: number): Promise<void> {
    await sleep(forMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
