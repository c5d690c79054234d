import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { CountReader } from '#queue';
import { isConnectionLoss, type IngestLedger } from '#storage';
import type { Watchdog } from './watchdog.js';

/** Reading a long queue may take a while; then most of the time is left to the jobs. */
const REST = 10;
const LONGEST_PAUSE_MS = 30_000;
const FOLD_INTERVAL_MS = 10 * 60_000;

export interface BalanceParts {
  reader: CountReader;
  ledger: IngestLedger;
  watchdog: Watchdog;
  /** A loss shows within this and the second in which ingest announces. */
  intervalMs: number;
}

/** Stores what ingest counted and compares it with what has arrived. Several workers may. */
export class BalanceLoop {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #hasFailed = false;
  #foldAt = 0;

  constructor(
    private readonly parts: BalanceParts,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#running = this.run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.parts.reader.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const since = performance.now();
      this.parts.watchdog.begin('balance');
      const isDone = await this.attempt();
      this.parts.watchdog.end('balance');
      const workMs = isDone ? performance.now() - since : 0;
      const restMs = Math.min(REST * workMs, LONGEST_PAUSE_MS);
      const pauseMs = Math.max(this.parts.intervalMs, restMs);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether the comparison took place */
  private async attempt(): Promise<boolean> {
    try {
      await this.compare();
      this.#hasFailed = false;
      return true;
    } catch (error) {
      // An outage is logged once, by the database.
      if (!this.#hasFailed && !isConnectionLoss(error)) {
        this.logger.warn({ err: error }, 'the balance with ingest could not be checked; retrying');
      }
      this.#hasFailed = true;
      return false;
    }
  }

  private async compare(): Promise<void> {
    const { reader, ledger } = this.parts;
    const announcements = await reader.announcements();
    await ledger.store(announcements);
    const found = await ledger.compare(() => reader.queued());
    for (const { product, hour, lost } of found) {
      this.logger.error(
        { product, hour, lost },
        'acknowledged events are lost: they are neither stored nor queued',
      );
    }
    await reader.forget(announcements);
    if (performance.now() < this.#foldAt) return;
    await ledger.fold();
    this.#foldAt = performance.now() + FOLD_INTERVAL_MS;
  }
}
