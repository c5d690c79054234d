import { setTimeout as sleep } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { type Logger, StartupError, type WorkerSettings } from '#platform';
import { consumeEnvelopes, type EnvelopeConsumer, type StoreClock } from '#queue';
import { isConnectionLoss, UnsuitableDatabase, type Database, type TelemetryStore } from '#storage';
import type { BalanceLoop } from './balance-loop.js';
import type { EnvelopeProcessor } from './envelope-processor.js';
import type { Housekeeping } from './housekeeping.js';
import type { LedgerGuard } from './ledger-guard.js';
import type { PolicyLoop } from './policy-loop.js';
import type { WorkLoop } from './work-loop.js';

const REPEAT_MS = 60_000;
/** How long Postgres may take to answer at the start, when the machine may be busy starting everything. */
const START_LIMIT_MS = 10_000;
/** How long to wait for the time of Redis, by which jobs are delayed. */
const CLOCK_MS = 1500;

interface Parts {
  processor: EnvelopeProcessor;
  store: TelemetryStore;
  database: Database;
  loops: readonly (WorkLoop | BalanceLoop)[];
  housekeeping: Housekeeping;
  policy: PolicyLoop;
  guard: LedgerGuard;
  clock: StoreClock;
}

/** How long a start waits for the comparison with the ledger; longer, and it goes on in the background. */
const PATIENCE_MS = 5000;

/** The life of a worker: from the first job to the last. */
export class WorkerLoop implements OnApplicationBootstrap, OnApplicationShutdown {
  #consumer: EnvelopeConsumer | null = null;
  #said = '';
  #saidAt = 0;
  #isStopping = false;

  constructor(
    private readonly parts: Parts,
    private readonly settings: WorkerSettings,
    private readonly logger: Logger,
  ) {}

  /** A worker that could store nothing takes no job. @throws StartupError */
  async onApplicationBootstrap(): Promise<void> {
    const { policy, housekeeping, guard } = this.parts;
    await this.requireDatabase();
    await this.parts.clock.start(CLOCK_MS);
    await this.preparePartitions();
    await policy.start();
    housekeeping.start((error) => this.sayOnce(error));
    const working = guard.start().then((isInStep) => isInStep && this.takeWork());
    await Promise.race([working, sleep(PATIENCE_MS, undefined, { ref: false })]);
  }

  /** What stores events begins after suppressions that the database has forgotten are in force again. */
  private takeWork(): void {
    if (this.#isStopping) return;
    for (const loop of this.parts.loops) loop.start();
    this.#consumer = consumeEnvelopes(
      {
        redisUrl: this.settings.redisUrl,
        prefix: this.settings.queuePrefix,
        clock: this.parts.clock,
        concurrency: this.settings.concurrency,
        onError: (error) => this.sayOnce(error),
        onFailure: (error, attempts) => {
          // An outage is logged once, by the database.
          const level = isConnectionLoss(error) ? 'debug' : 'error';
          this.logger[level]({ err: error, attempts }, 'a batch was not stored');
        },
        stallMs: this.settings.stallSeconds * 1000,
        onStall: (isStalled) => this.logStall(isStalled),
      },
      (batch) => this.parts.processor.process(batch),
    );
  }

  /** Finishes the jobs under way before it lets go of the database. */
  async onApplicationShutdown(): Promise<void> {
    const { processor, database, loops, housekeeping, policy, guard, clock } = this.parts;
    this.#isStopping = true;
    processor.stop();
    await guard.stop();
    await Promise.all([...loops, housekeeping].map((loop) => loop.stop()));
    await this.#consumer?.close();
    await policy.stop();
    clock.stop();
    await database.close();
  }

  /** The state of each dependency: ok, or what is wrong. Takes as long as they do. */
  dependencies(): Record<string, Promise<string>> {
    const stateOf = (check: Promise<void>) =>
      check.then(
        () => 'ok',
        () => 'unavailable',
      );
    const consumer = this.#consumer;
    if (!consumer) return { worker: Promise.resolve('starting') };
    return {
      redis: stateOf(consumer.check()),
      postgres: stateOf(this.parts.database.check()),
      queue: Promise.resolve(consumer.isStalled ? 'stalled' : 'ok'),
    };
  }

  private logStall(isStalled: boolean): void {
    if (!isStalled) this.logger.info('jobs are completed again');
    else {
      const { stallSeconds } = this.settings;
      this.logger.error({ stallSeconds }, 'jobs wait and none is completed; is the queue paused?');
    }
  }

  /** A lost connection is tried again every second, and says the same every time. */
  private sayOnce(error: Error): void {
    const isNews = error.message !== this.#said || performance.now() > this.#saidAt + REPEAT_MS;
    if (!isNews) return;
    this.#said = error.message;
    this.#saidAt = performance.now();
    this.logger.warn({ err: error }, 'the queue failed');
  }

  private async requireDatabase(): Promise<void> {
    try {
      await this.parts.database.check(START_LIMIT_MS);
    } catch (cause) {
      if (cause instanceof UnsuitableDatabase) throw new StartupError(cause.message, { cause });
      const code = (cause as { code?: unknown }).code;
      const reason = code === '42P01' ? 'has not been migrated' : 'cannot be reached or used';
      throw new StartupError(`The database that DATABASE_URL names ${reason}.`, { cause });
    }
  }

  /** Those of the present must be there; housekeeping makes the later ones. */
  private async preparePartitions(): Promise<void> {
    try {
      const created = await this.parts.store.preparePartitions();
      if (created.length > 0) this.logger.info({ created }, 'made partitions ahead of time');
    } catch (error) {
      this.logger.error({ err: error }, 'partitions could not be made; the next check tries again');
    }
  }
}
