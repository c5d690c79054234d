import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvelopeBatch } from '#queue';
import { isConnectionLoss, type Database, type TelemetryStore } from '#storage';
import { normalise, type NormaliseOptions } from '#telemetry';

const CHECK_INTERVAL_MS = 1000;
/**
 * A job whose connection was lost is tried again in hand: the queue would make it wait longer after every
 * loss. Where it keeps losing its connection the job itself may be the reason, and the queue delays it.
 */
const ATTEMPTS = 10;
const FIRST_PAUSE_MS = 50;

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
      await this.#pause(CHECK_INTERVAL_MS);
    }
  }

  async #pause(forMs: number): Promise<void> {
    await sleep(forMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
