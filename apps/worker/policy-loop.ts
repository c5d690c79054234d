import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { PolicyPublisher } from '#queue';
import { isConnectionLoss, type PolicyStore } from '#storage';
import { decisionsOf, noPolicy, type Decisions, type Products } from '#telemetry';
import type { Watchdog } from './watchdog.js';

const POLL_MS = 1000;

/**
 * Follows the policy, because ingest applied an older one to events that were already queued. Also publishes
 * it to Redis for ingest.
 */
export class PolicyLoop {
  readonly #stopping = new AbortController();
  #decisions: Decisions;
  #revision = noPolicy.revision;
  #hasFailed = false;
  #running: Promise<void> | null = null;

  constructor(
    private readonly store: PolicyStore,
    private readonly publisher: PolicyPublisher,
    private readonly products: Products,
    private readonly watchdog: Watchdog,
    private readonly logger: Logger,
  ) {
    this.#decisions = decisionsOf(noPolicy, products);
  }

  /** Resolves after the first attempt to read the policy. */
  async start(): Promise<void> {
    await this.refresh();
    this.publisher.start();
    this.#running = this.run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.publisher.stop();
  }

  get decisions(): Decisions {
    return this.#decisions;
  }

  private async run(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.watchdog.begin('policy');
      await this.refresh();
      this.watchdog.end('policy');
    }
  }

  private async refresh(): Promise<void> {
    try {
      if ((await this.store.revision()) !== this.#revision) {
        const policy = await this.store.read();
        this.#decisions = decisionsOf(policy, this.products);
        this.#revision = policy.revision;
        this.logger.info({ revision: policy.revision }, 'policy updated');
      }
      this.#hasFailed = false;
    } catch (error) {
      // An outage is logged once, by the database.
      const level = isConnectionLoss(error) ? 'debug' : 'warn';
      if (!this.#hasFailed)
        this.logger[level]({ err: error }, 'policy refresh failed; keeping the previous policy');
      this.#hasFailed = true;
    }
  }
}
