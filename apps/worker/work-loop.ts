import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import { isConnectionLoss } from '#storage';
import type { LoopName, Watchdog } from './watchdog.js';

const POLL_MS = 500;

type Part = (signal: AbortSignal) => Promise<{ completed: readonly string[]; isIdle: boolean }>;

/** Work that waits in the database. */
export interface Work {
  /** As it is called in the log. */
  name: LoopName;
  /**
   * Each takes what nobody works on, and carries it to its end, or as far as it gets until it is
   * stopped. They run beside each other, so that none waits for another that takes long.
   */
  parts: readonly Part[];
  /** Lets go of what it works with. */
  close: () => Promise<void>;
}

/**
 * Carries out what administrators ask for. Several workers may: each takes what nobody works on, and goes
 * on with that whose worker is gone.
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

  /** Finishes what cannot be interrupted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.work.close();
  }

  private async repeat(part: Part): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.watchdog.begin(this.work.name);
      if (await this.attempt(part, signal)) continue;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether there was something to do */
  private async attempt(part: Part, signal: AbortSignal): Promise<boolean> {
    const { name } = this.work;
    try {
      const { completed, isIdle } = await part(signal);
      if (completed.length > 0) this.logger.info({ completed }, `${name} are complete`);
      return !isIdle;
    } catch (error) {
      if (signal.aborted) return false;
      // An outage is logged once, by the database.
      const level = isConnectionLoss(error) ? 'debug' : 'error';
      this.logger[level]({ err: error }, `${name} were interrupted; they are tried again`);
      return false;
    }
  }
}
