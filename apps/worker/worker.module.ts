import { type DynamicModule, Module } from '@nestjs/common';
import { logClock, type Logger, measureClock, type WorkerSettings } from '#platform';
import { CountReader, PolicyPublisher, QueueRewriter, StoreClock } from '#queue';
import {
  Database,
  HousekeepingStore,
  IngestLedger,
  PolicyStore,
  PurgeStore,
  QuarantineStore,
  Rollups,
  TelemetryStore,
} from '#storage';
import { normaliseKept, type KeptEvent, type NormaliseOptions, type Products } from '#telemetry';
import { Registry } from 'prom-client';
import { BalanceLoop } from './balance-loop.js';
import { measureBalance } from './balance-metrics.js';
import { erasureWork, type ErasureKeys } from './erasure-work.js';
import { EnvelopeProcessor } from './envelope-processor.js';
import { HealthController } from './health.controller.js';
import { Housekeeping } from './housekeeping.js';
import { HousekeepingMetrics } from './housekeeping-metrics.js';
import { LedgerGuard } from './ledger-guard.js';
import { MetricsController } from './metrics.controller.js';
import { PolicyLoop } from './policy-loop.js';
import { Watchdog } from './watchdog.js';
import { WorkLoop, type Work } from './work-loop.js';
import { WorkerLoop } from './worker-loop.js';

const DAY_MS = 86_400_000;

/** Takes batches from the queue, normalises and stores them. */
@Module({})
export class WorkerModule {
  static with(
    settings: WorkerSettings,
    products: Products,
    keys: ErasureKeys,
    logger: Logger,
  ): DynamicModule {
    const { suppressionKey } = settings;
    const watchdog = new Watchdog(settings.stuckSeconds);
    const clock = storeClock(settings, logger);
    const database = openDatabase(settings, watchdog, logger);
    const store = new TelemetryStore({ database, suppressionKey });
    const policy = policyLoop(settings, { database, products, watchdog }, logger);
    const rules = { products, retentionMs: settings.retentionDays * DAY_MS };
    const optionsNow = () => ({ ...rules, decisions: policy.decisions });
    const processor = new EnvelopeProcessor(store, database, optionsNow);
    const { work, guard } = erasureWork({
      ...{ settings, database, keys, clock, watchdog, logger },
    });
    const works = [
      work,
      quarantineJobs(database, store, optionsNow),
      purges(settings, database, logger),
      optOuts(store),
    ];
    const ledger = new IngestLedger(database);
    const loops = [
      new WorkLoop({ works, database, watchdog, logger }),
      balanceLoop(settings, { ledger, watchdog }, logger),
    ];
    const house = new HousekeepingStore(database);
    const registry = new Registry();
    const metrics = new HousekeepingMetrics(house, registry);
    measureBalance(registry, ledger);
    measureClock(registry, clock);
    const housekeeping = new Housekeeping(
      {
        ...{ telemetry: store, house },
        ...{ quarantine: new QuarantineStore(database), rollups: new Rollups(database) },
      },
      metrics,
      clock,
      watchdog,
      settings,
      logger,
    );
    const parts = { processor, store, database, loops, housekeeping, policy, guard, clock };
    const loop = new WorkerLoop(parts, settings, logger);
    return {
      module: WorkerModule,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: WorkerLoop, useValue: loop },
        { provide: Watchdog, useValue: watchdog },
        { provide: LedgerGuard, useValue: guard },
        { provide: StoreClock, useValue: clock },
        { provide: HousekeepingMetrics, useValue: metrics },
      ],
    };
  }
}

/** Replays and discards. A replay uses the same write path as new events. */
function quarantineJobs(
  database: Database,
  store: TelemetryStore,
  optionsNow: () => NormaliseOptions,
): Work {
  const quarantine = new QuarantineStore(database);
  const normalise = (kept: KeptEvent, eventKey: string) =>
    normaliseKept(kept, eventKey, optionsNow());
  return {
    parts: [
      {
        name: 'quarantine jobs',
        kind: 'quarantine jobs',
        run: async (signal) => {
          const id = await quarantine.runNext({ normalise, store, signal });
          return { completed: id === null ? [] : [id], isIdle: id === null };
        },
      },
    ],
    close: () => Promise.resolve(),
  };
}

function storeClock(settings: WorkerSettings, logger: Logger): StoreClock {
  const { redisUrl, queuePrefix: prefix } = settings;
  const onError = (error: Error) => logger.debug({ err: error }, 'Redis connection failed');
  return new StoreClock({ redisUrl, prefix, onError, onChange: logClock(logger) });
}

/** Removes the events that leaked write keys sent. */
function purges(settings: WorkerSettings, database: Database, logger: Logger): Work {
  const store = new PurgeStore(database);
  const { redisUrl, queuePrefix: prefix } = settings;
  const onError = (error: Error) => logger.debug({ err: error }, 'Redis connection failed');
  const queue = new QueueRewriter({ redisUrl, prefix, onError });
  const emptyQueue = queue.purgeKey.bind(queue);
  return {
    parts: [
      {
        name: 'purges',
        kind: 'purges',
        run: async (signal) => {
          const id = await store.runNext({ emptyQueue, signal });
          return { completed: id === null ? [] : [id], isIdle: id === null };
        },
      },
    ],
    close: () => queue.close(),
  };
}

/** Removes what was stored before a late opt-out arrived. */
function optOuts(store: TelemetryStore): Work {
  return {
    parts: [
      {
        name: 'opt-outs',
        kind: 'opt-outs',
        run: async () => ({ completed: [], isIdle: !(await store.removeOptedOut()) }),
      },
    ],
    close: () => Promise.resolve(),
  };
}

/** Erasures at two stages, quarantine jobs, purges, maintenance, and a reserve for short statements. */
const GENERAL_CONNECTIONS = 6;
const LEAST_GENERAL_CONNECTIONS = 2;
const LISTENING_CONNECTIONS = 1;

function balanceLoop(
  settings: WorkerSettings,
  { ledger, watchdog }: { ledger: IngestLedger; watchdog: Watchdog },
  logger: Logger,
): BalanceLoop {
  const { redisUrl, queuePrefix: prefix } = settings;
  const onError = (error: Error) => logger.debug({ err: error }, 'Redis connection failed');
  const reader = new CountReader({ redisUrl, prefix, onError });
  const intervalMs = settings.balanceSeconds * 1000;
  return new BalanceLoop({ reader, ledger, watchdog, intervalMs }, logger);
}

/** All connections of the process. */
function openDatabase(settings: WorkerSettings, watchdog: Watchdog, logger: Logger): Database {
  const { databaseUrl, databaseConnections, concurrency } = settings;
  const all = databaseConnections - LISTENING_CONNECTIONS;
  const rest = Math.max(all - concurrency, LEAST_GENERAL_CONNECTIONS);
  const connections = Math.min(rest, GENERAL_CONNECTIONS);
  return new Database({
    ...{ databaseUrl, name: 'muster-worker', connections, writeConnections: all - connections },
    onProgress: (name) => watchdog.progress(name),
    onOutage: (error) => logger.warn({ err: error }, 'database connection lost; waiting for it'),
    onRecovery: (outageMs) => logger.info({ outageMs }, 'database connection restored'),
  });
}

function policyLoop(
  settings: WorkerSettings,
  given: { database: Database; products: Products; watchdog: Watchdog },
  logger: Logger,
): PolicyLoop {
  const { suppressionKey, redisUrl, queuePrefix: prefix } = settings;
  const { database, products, watchdog } = given;
  const store = new PolicyStore({ database, suppressionKey });
  const publisher = new PolicyPublisher(store, {
    ...{ redisUrl, prefix },
    onError: (error) => logger.debug({ err: error }, 'Redis connection failed'),
    onFailure: (error) =>
      logger.warn({ err: error }, 'policy could not be published to Redis; retrying'),
  });
  return new PolicyLoop({ store, publisher, products, database, watchdog }, logger);
}
