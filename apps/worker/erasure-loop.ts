import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { InstallationForgetter } from '#queue';
import { certify, type ErasureStore, type Progress, type WorkerContext } from '#storage';

const POLL_MS = 500;

type Work = (context: WorkerContext) => Promise<Progress>;

/**
 * Carries out the erasures that administrators ask for, many at once. Several workers may: each takes
 * some that nobody works on, and goes on with those whose worker is gone. Suppressions do not wait for
 * erasures that take long.
 */
export class ErasureLoop {
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | null = null;

  constructor(
    private readonly store: ErasureStore,
    private readonly queue: InstallationForgetter,
    private readonly key: KeyObject,
    private readonly software: string,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#running = Promise.all([
      this.repeat((context) => this.store.suppressNext(context)),
      this.repeat((context) => this.store.eraseNext(context)),
    ]);
  }

  /** Finishes the step under way, and leaves the rest to another worker. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.queue.close();
    await this.store.close();
  }

  private async repeat(work: Work): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (!(await this.attempt(work))) {
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** @returns whether there was something to do */
  private async attempt(work: Work): Promise<boolean> {
    const { signal: stopping } = this.#stopping;
    try {
      const { completed, isIdle } = await work({
        emptyQueue: (installationIds) => this.queue.forget(installationIds),
        certify: (facts) => certify(facts, this.key, this.software),
        stopping,
      });
      if (completed.length > 0) this.logger.info({ completed }, 'erasures are complete');
      return !isIdle;
    } catch (error) {
      if (stopping.aborted) return false;
      this.logger.error({ err: error }, 'erasures were interrupted; they are tried again');
      return false;
    }
  }
}
