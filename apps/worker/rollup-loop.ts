import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { Rollups } from '#storage';

const EVERY_MS = 60_000;

/** Keeps the rollups fresh. Several workers may: whoever comes too early for the next refresh lets it be. */
export class RollupLoop {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(
    private readonly rollups: Rollups,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#running = this.run();
  }

  /** Finishes the day under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.rollups.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.refresh(signal);
    }
  }

  private async refresh(signal: AbortSignal): Promise<void> {
    try {
      const result = await this.rollups.refreshInTurn({ signal });
      if (result) this.logger.debug(result, 'refreshed the rollups');
    } catch (error) {
      this.logger.error(
        { err: error },
        'the rollups were not refreshed; the next minute tries again',
      );
    }
  }
}
