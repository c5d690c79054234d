import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvelopeBatch } from '#queue';
import {
  isConnectionLoss,
  type Database,
  type NormalisedBatch,
  type TelemetryStore,
} from '#storage';
import { normalise, type NormaliseOptions } from '#telemetry';
import { GroupCommit } from './group-commit.js';

const CHECK_INTERVAL_MS = 1000;
/**
 * After a lost connection the job is retried in place, because the queue would delay it longer after every loss.
 * A job that keeps losing its connection may be the cause, so after this many attempts it returns to the queue.
 */
const ATTEMPTS = 10;
const FIRST_PAUSE_MS = 50;

interface ProcessorOptions {
  store: TelemetryStore;
  database: Database;
  /** The current rules for events; they may change at any time. */
  optionsNow: () => NormaliseOptions;
  /** The limit of transactions at once. */
  transactions: number;
}

/** Normalises the events of batches and stores the result, several batches in one transaction if many arrive. */
export class EnvelopeProcessor {
  readonly #options: ProcessorOptions;
  readonly #commits: GroupCommit;
  readonly #stopping = new AbortController();

  constructor(options: ProcessorOptions) {
    this.#options = options;
    this.#commits = new GroupCommit(options.transactions, (batches) => this.#save(batches));
  }

  /** Bad data becomes a stored fate. Throws only if a dependency is broken; then the queue retries. */
  async process({ batchId, gatheredAt, accepted, envelopes }: EnvelopeBatch): Promise<void> {
    const rules = this.#options.optionsNow();
    const events = envelopes.map((envelope) => normalise(envelope, rules));
    await this.#commits.store({ batchId, gatheredAt, accepted, events });
  }

  async #save(batches: readonly NormalisedBatch[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#options.store.save(...batches);
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
      const isBack = await this.#options.database.check().then(
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
