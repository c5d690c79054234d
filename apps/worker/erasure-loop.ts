import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { InstallationForgetter } from '#queue';
import { certify, type ErasureStore } from '#storage';

const POLL_MS = 500;

/**
 * Carries out the erasures that administrators ask for, one at a time. Several workers may: each takes
 * one that nobody works on, and goes on with one whose worker is gone.
 */
export class ErasureLoop {
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(
    private readonly store: ErasureStore,
    private readonly queue: InstallationForgetter,
    private readonly key: KeyObject,
    private readonly software: string,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#running = this.run();
  }

  /** Finishes the erasure under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.queue.close();
    await this.store.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (await this.runNext()) continue;
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns whether there was one */
  private async runNext(): Promise<boolean> {
    try {
      const erasureId = await this.store.runNext({
        emptyQueue: (installationIds) => this.queue.forget(installationIds),
        certify: (facts) => certify(facts, this.key, this.software),
      });
      if (erasureId !== null) this.logger.info({ erasureId }, 'an erasure is complete');
      return erasureId !== null;
    } catch (error) {
      this.logger.error({ err: error }, 'an erasure was interrupted; it is tried again');
      return false;
    }
  }
}
