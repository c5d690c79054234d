import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The time between SIGTERM and the end of listening. The process reports that it is not ready, so that load balancers
 * send no new connections, and still serves its existing ones.
 */
export class Drain {
  #isDraining = false;

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Resolves after the given time. */
  async begin(durationMs: number): Promise<void> {
    this.#isDraining = true;
    if (durationMs > 0) await sleep(durationMs);
  }
}
