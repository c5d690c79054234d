import { setTimeout as sleep } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { StartupError } from '#platform';
import { consumeEnvelopes, type EnvelopeConsumer } from '#queue';
import { isConnectionLoss, UnsuitableDatabase, type TelemetryStore } from '#storage';
import type { BalanceLoop } from './balance-loop.js';
import type { EnvelopeProcessor } from './envelope-processor.js';
import type { Maintenance } from './maintenance.js';
import type { LedgerGuard } from './ledger-guard.js';
import type { PolicyLoop } from './policy-loop.js';
import type { Shared } from './shared.js';
import type { WorkLoop } from './work-loop.js';

const REPEAT_MS = 60_000;
/** Jobs taken from the queue for each transaction under way, so that the next one stores many of them. */
const JOBS_PER_TRANSACTION = 8;
/** How long a start waits for Postgres: on a busy machine, everything may be starting at once. */
const START_LIMIT_MS = 10_000;
/** How long a start waits for Redis' time, on which delays of jobs are based. */
const CLOCK_MS = 1500;

interface Parts {
  processor: EnvelopeProcessor;
  store: TelemetryStore;
  loops: readonly (WorkLoop | BalanceLoop)[];
  maintenance: Maintenance;
  policy: PolicyLoop;
  guard: LedgerGuard;
}

/** How long a start waits for the comparison with the erasure ledger, which then continues in the background. */
const LEDGER_WAIT_MS = 5000;

/** Starts and stops all parts of a worker. */
export class WorkerLoop implements OnApplicationBootstrap, OnApplicationShutdown {
  #consumer: EnvelopeConsumer | null = null;
  #logged = '';
  #loggedAt = 0;
  #isStopping = false;

  constructor(
    private readonly parts: Parts,
    private readonly shared: Pick<Shared, 'settings' | 'redis' | 'database' | 'clock' | 'logger'>,
  ) {}

  /** Takes jobs only once the database is usable. @throws StartupError */
  async onApplicationBootstrap(): Promise<void> {
    const { policy, maintenance, guard } = this.parts;
    await this.requireDatabase();
    await this.shared.clock.start(CLOCK_MS);
    await this.preparePartitions();
    await policy.start();
    maintenance.start((error) => this.logOnce(error));
    const working = guard.start().then((isInStep) => isInStep && this.takeWork());
    await Promise.race([working, sleep(LEDGER_WAIT_MS, undefined, { ref: false })]);
  }

  /** Runs only after lost suppressions were restored from the ledger: erased installations must not be stored. */
  private takeWork(): void {
    if (this.#isStopping) return;
    for (const loop of this.parts.loops) loop.start();
    this.#consumer = consumeEnvelopes(
      this.shared.redis,
      {
        clock: this.shared.clock,
        concurrency: this.shared.settings.concurrency * JOBS_PER_TRANSACTION,
        onError: (error) => this.logOnce(error),
        onFailure: (error, attempts) => {
          // An outage is logged once, by the database.
          const level = isConnectionLoss(error) ? 'debug' : 'error';
          this.shared.logger[level]({ err: error, attempts }, 'batch could not be stored');
        },
        stallMs: this.shared.settings.stallSeconds * 1000,
        onStall: (isStalled) => this.logStall(isStalled),
      },
      (batch) => this.parts.processor.process(batch),
    );
  }

  /** Finishes the running jobs before it closes the connections. */
  async onApplicationShutdown(): Promise<void> {
    const { processor, loops, maintenance, policy, guard } = this.parts;
    const { database, redis, clock } = this.shared;
    this.#isStopping = true;
    processor.stop();
    await guard.stop();
    await Promise.all([...loops, maintenance].map((loop) => loop.stop()));
    await this.#consumer?.close();
    await policy.stop();
    clock.stop();
    redis.close();
    await database.close();
  }

  /** The state of each dependency: `ok`, or what is wrong. Does not time out. */
  dependencies(): Record<string, Promise<string>> {
    const stateOf = (check: Promise<void>) =>
      check.then(
        () => 'ok',
        () => 'unavailable',
      );
    const { database, clock } = this.shared;
    const consumer = this.#consumer;
    return {
      redis: stateOf((consumer ?? clock).check()),
      postgres: stateOf(database.check()),
      ...(consumer
        ? { queue: Promise.resolve(consumer.isStalled ? 'stalled' : 'ok') }
        : { worker: Promise.resolve('starting') }),
    };
  }

  private logStall(isStalled: boolean): void {
    if (!isStalled) this.shared.logger.info('jobs are being completed again');
    else {
      const { stallSeconds } = this.shared.settings;
      this.shared.logger.error(
        { stallSeconds },
        'jobs are waiting, but none is completed; check whether the queue is paused',
      );
    }
  }

  /** A lost connection fails again every second with the same message. */
  private logOnce(error: Error): void {
    const isNew = error.message !== this.#logged || performance.now() > this.#loggedAt + REPEAT_MS;
    if (!isNew) return;
    this.#logged = error.message;
    this.#loggedAt = performance.now();
    this.shared.logger.warn({ err: error }, 'queue error');
  }

  private async requireDatabase(): Promise<void> {
    try {
      await this.shared.database.check(START_LIMIT_MS);
    } catch (cause) {
      if (cause instanceof UnsuitableDatabase) throw new StartupError(cause.message, { cause });
      const code = (cause as { code?: unknown }).code;
      const reason =
        code === '42P01'
          ? 'is not migrated. Run the migrate process first.'
          : 'cannot be reached or used.';
      throw new StartupError(`The database in DATABASE_URL ${reason}`, { cause });
    }
  }

  /** The current partitions must exist; maintenance creates later ones. */
  private async preparePartitions(): Promise<void> {
    try {
      const created = await this.parts.store.preparePartitions();
      if (created.length > 0) this.shared.logger.info({ created }, 'partitions created');
    } catch (error) {
      this.shared.logger.error(
        { err: error },
        'partitions could not be created; retrying with the next maintenance run',
      );
    }
  }
}
