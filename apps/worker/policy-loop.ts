import type { Logger } from '#platform';
import type { PolicyPublisher } from '#queue';
import { isConnectionLoss, type Database, type PolicyStore } from '#storage';
import { decisionsOf, noPolicy, type Decisions, type Products } from '#telemetry';
import { WakeUp } from './wake-up.js';
import type { Watchdog } from './watchdog.js';

const RETRY_MS = 1000;

interface Parts {
  store: PolicyStore;
  publisher: PolicyPublisher;
  products: Products;
  /** Announces changes. */
  database: Database;
  watchdog: Watchdog;
}

/**
 * Follows the policy, because ingest applied an older one to events that were already queued. Also publishes
 * it to Redis for ingest.
 */
export class PolicyLoop {
  readonly #stopping = new AbortController();
  readonly #change = new WakeUp();
  #decisions: Decisions;
  #revision = noPolicy.revision;
  #hasFailed = false;
  #running: Promise<void> | null = null;

  constructor(
    private readonly parts: Parts,
    private readonly logger: Logger,
  ) {
    this.#decisions = decisionsOf(noPolicy, parts.products);
  }

  /** Resolves after the first attempt to read the policy. */
  async start(): Promise<void> {
    this.parts.database.listen('policy', () => this.#change.call());
    await this.refresh();
    this.parts.publisher.start();
    this.#running = this.run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.parts.publisher.stop();
  }

  get decisions(): Decisions {
    return this.#decisions;
  }

  private async run(): Promise<void> {
    const { watchdog, publisher } = this.parts;
    const { signal } = this.#stopping;
    for (;;) {
      await this.#change.sleep(signal, this.#hasFailed ? RETRY_MS : undefined);
      if (signal.aborted) return;
      watchdog.begin('policy');
      await this.refresh();
      await publisher.publish();
      watchdog.end('policy');
    }
  }

  private async refresh(): Promise<void> {
    try {
      const { store, products } = this.parts;
      if ((await store.revision()) !== this.#revision) {
        const policy = await store.read();
        this.#decisions = decisionsOf(policy, products);
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
