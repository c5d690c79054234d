import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { CountReader } from '#queue';
import { isConnectionLoss, type IngestBalance } from '#storage';
import type { Watchdog } from './watchdog.js';

/** Reading a long queue is slow, so pause this many times as long as a check took. */
const PAUSE_FACTOR = 10;
const LONGEST_PAUSE_MS = 30_000;
const FOLD_INTERVAL_MS = 10 * 60_000;
/** How often counts are compared that have not changed since no event was missing. */
const CALM_INTERVAL_MS = 60_000;

export interface BalanceParts {
  reader: CountReader;
  balance: IngestBalance;
  watchdog: Watchdog;
  /** A loss is detected within this interval, plus the second between two reports of ingest's counts. */
  intervalMs: number;
}

/** Stores ingest's counts and compares them with what arrived. Safe to run in several workers. */
export class BalanceLoop {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #hasFailed = false;
  #foldAt = 0;
  /** The counts with which no event was missing, and until when they need no other comparison. */
  #calm = { counts: '', until: 0 };

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
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const since = performance.now();
      this.parts.watchdog.begin('balance');
      const isDone = await this.attempt();
      this.parts.watchdog.end('balance');
      const workMs = isDone ? performance.now() - since : 0;
      const minimumPauseMs = Math.min(PAUSE_FACTOR * workMs, LONGEST_PAUSE_MS);
      const pauseMs = Math.max(this.parts.intervalMs, minimumPauseMs);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether the comparison succeeded */
  private async attempt(): Promise<boolean> {
    try {
      await this.compare();
      this.#hasFailed = false;
      return true;
    } catch (error) {
      // An outage is logged once, by the database.
      if (!this.#hasFailed && !isConnectionLoss(error)) {
        this.logger.warn({ err: error }, 'balance check failed; retrying');
      }
      this.#hasFailed = true;
      return false;
    }
  }

  private async compare(): Promise<void> {
    const { reader, balance } = this.parts;
    const announcements = await reader.announcements();
    const counts = JSON.stringify(announcements);
    if (counts === this.#calm.counts && performance.now() < this.#calm.until) return;
    await balance.store(announcements);
    let isMissing = false;
    const found = await balance.compare(() => {
      isMissing = true;
      return reader.queued();
    });
    this.#calm = { counts, until: isMissing ? 0 : performance.now() + CALM_INTERVAL_MS };
    for (const { product, hour, lost } of found) {
      this.logger.error(
        { product, hour, lost },
        'acknowledged events are lost: they are neither stored nor queued',
      );
    }
    await reader.forget(announcements);
    if (performance.now() < this.#foldAt) return;
    await balance.fold();
    this.#foldAt = performance.now() + FOLD_INTERVAL_MS;
  }
}
