import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';

const POLL_MS = 500;

/** Work that waits in the database. */
export interface Work {
  /** As it is called in the log. */
  name: string;
  /**
   * Takes a piece that nobody works on, and carries it to its end, or as far as it gets until it is
   * stopped. Returns its id when it is complete; null otherwise.
   */
  runNext: (signal: AbortSignal) => Promise<string | null>;
  /** Lets go of what it works with. */
  close: () => Promise<void>;
}

/**
 * Carries out what administrators ask for, one piece at a time. Several workers may: each takes one that
 * nobody works on, and goes on with one whose worker is gone.
 */
export class WorkLoop {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(
    private readonly work: Work,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#running = this.run();
  }

  /** Finishes what cannot be interrupted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.work.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (await this.runNext(signal)) continue;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether one was completed */
  private async runNext(signal: AbortSignal): Promise<boolean> {
    const { name } = this.work;
    try {
      const id = await this.work.runNext(signal);
      if (id !== null) this.logger.info({ id }, `the ${name} is complete`);
      return id !== null;
    } catch (error) {
      this.logger.error({ err: error }, `the ${name} was interrupted; it is tried again`);
      return false;
    }
  }
}
