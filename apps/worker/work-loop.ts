import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import { isConnectionLoss } from '#storage';
import type { LoopName, Watchdog } from './watchdog.js';

const POLL_MS = 500;

interface Part {
  /** The name in the log. The watchdog follows each part by itself. */
  name: LoopName;
  /** Takes unclaimed work, and continues until the work is finished or the signal aborts. */
  run: (signal: AbortSignal) => Promise<{ completed: readonly string[]; isIdle: boolean }>;
}

/** Work that is queued in the database. */
export interface Work {
  /** They run concurrently, so that none waits for a slow one. */
  parts: readonly Part[];
}

/**
 * Carries out administrators' requests. Safe to run in several workers: each takes unclaimed work, and resumes
 * the work of workers that died.
 */
export class WorkLoop {
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | null = null;

  constructor(
    private readonly work: Work,
    private readonly watchdog: Watchdog,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#running = Promise.all(this.work.parts.map((part) => this.repeat(part)));
  }

  /** Finishes the steps that cannot be interrupted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  private async repeat(part: Part): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.watchdog.begin(part.name);
      if (await this.attempt(part, signal)) continue;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether there was something to do */
  private async attempt({ name, run }: Part, signal: AbortSignal): Promise<boolean> {
    try {
      const { completed, isIdle } = await run(signal);
      if (completed.length > 0) this.logger.info({ completed }, `${name} completed`);
      return !isIdle;
    } catch (error) {
      if (signal.aborted) return false;
      // An outage is logged once, by the database.
      const level = isConnectionLoss(error) ? 'debug' : 'error';
      this.logger[level]({ err: error }, `${name} failed; retrying`);
      return false;
    }
  }
}
