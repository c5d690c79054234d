import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvelopeBatch } from '#queue';
import type { Database, TelemetryStore } from '#storage';
import { normalise, type NormaliseOptions } from '#telemetry';

const CHECK_INTERVAL_MS = 1000;

/** Understands the events of a batch and stores what they say. */
export class EnvelopeProcessor {
  readonly #store: TelemetryStore;
  readonly #database: Database;
  readonly #optionsNow: () => NormaliseOptions;
  readonly #stopping = new AbortController();

  /** @param optionsNow what events are read by; it may change at any time */
  constructor(store: TelemetryStore, database: Database, optionsNow: () => NormaliseOptions) {
    this.#store = store;
    this.#database = database;
    this.#optionsNow = optionsNow;
  }

  /** Bad data becomes a stored fate; only a broken dependency throws, and the queue tries again. */
  async process({ batchId, gatheredAt, accepted, envelopes }: EnvelopeBatch): Promise<void> {
    const options = this.#optionsNow();
    const events = envelopes.map((envelope) => normalise(envelope, options));
    try {
      await this.#store.save({ batchId, gatheredAt, accepted, events });
    } catch (error) {
      await this.#untilStoreIsBack();
      throw error;
    }
  }

  /** Lets no job wait for the database any more: what is under way fails, and is delivered again. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * While the database is away a worker keeps the jobs it has in hand, rather than take, fail and
   * delay every job of the queue in turn.
   */
  async #untilStoreIsBack(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const isBack = await this.#database.check().then(
        () => true,
        () => false,
      );
      if (isBack) return;
      await sleep(CHECK_INTERVAL_MS, undefined, { signal: this.#stopping.signal }).catch(
        () => null,
      );
    }
  }
}
