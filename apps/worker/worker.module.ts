import { type DynamicModule, Module } from '@nestjs/common';
import { type Logger, measureClock, type WorkerSettings } from '#platform';
import { CountReader, PolicyPublisher, QueueRewriter, StoreClock } from '#queue';
import { MaintenanceStore, IngestBalance, PolicyStore, TelemetryStore } from '#storage';
import type { Products } from '#telemetry';
import { Registry } from 'prom-client';
import { BalanceLoop } from './balance-loop.js';
import { measureBalance } from './balance-metrics.js';
import { erasureWork } from './erasure-work.js';
import { EnvelopeProcessor } from './envelope-processor.js';
import { HealthController } from './health.controller.js';
import { Maintenance } from './maintenance.js';
import { MaintenanceMetrics } from './maintenance-metrics.js';
import { LedgerGuard } from './ledger-guard.js';
import { MetricsController } from './metrics.controller.js';
import { PolicyLoop } from './policy-loop.js';
import { connect, type ErasureKeys, type Shared } from './shared.js';
import { workOnStoredEvents } from './stored-work.js';
import { Watchdog } from './watchdog.js';
import { WorkLoop } from './work-loop.js';
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
    const shared = connect({ settings, products, keys, logger });
    const { database, clock, watchdog } = shared;
    const store = new TelemetryStore({ database, suppressionKey: settings.suppressionKey });
    const policy = policyLoop(shared);
    const rules = { products, retentionMs: settings.retentionDays * DAY_MS };
    const transactions = settings.concurrency;
    const optionsNow = () => ({ ...rules, decisions: policy.decisions });
    const queue = new QueueRewriter(shared.redis);
    const { parts, guard } = erasureWork(shared, queue);
    parts.push(...workOnStoredEvents(shared, store, queue, optionsNow));
    const balance = new IngestBalance(database);
    const metrics = measure(balance, shared);
    const loop = new WorkerLoop(
      {
        processor: new EnvelopeProcessor({ store, database, optionsNow, transactions }),
        loops: [new WorkLoop(parts, shared), balanceLoop(balance, shared)],
        maintenance: new Maintenance(shared, store, metrics),
        ...{ store, policy, guard },
      },
      shared,
    );
    return {
      module: WorkerModule,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: WorkerLoop, useValue: loop },
        { provide: Watchdog, useValue: watchdog },
        { provide: LedgerGuard, useValue: guard },
        { provide: StoreClock, useValue: clock },
        { provide: MaintenanceMetrics, useValue: metrics },
      ],
    };
  }
}

function measure(balance: IngestBalance, { database, clock }: Shared): MaintenanceMetrics {
  const registry = new Registry();
  const metrics = new MaintenanceMetrics(new MaintenanceStore(database), registry);
  measureBalance(registry, balance);
  measureClock(registry, clock);
  return metrics;
}

function balanceLoop(
  balance: IngestBalance,
  { settings, redis, watchdog, logger }: Shared,
): BalanceLoop {
  const reader = new CountReader(redis);
  const intervalMs = settings.balanceSeconds * 1000;
  return new BalanceLoop({ reader, balance, watchdog, intervalMs }, logger);
}

function policyLoop({ settings, redis, database, products, watchdog, logger }: Shared): PolicyLoop {
  const store = new PolicyStore({ database, suppressionKey: settings.suppressionKey });
  const publisher = new PolicyPublisher(redis, store, (error) =>
    logger.warn({ err: error }, 'policy could not be published to Redis; retrying'),
  );
  return new PolicyLoop({ store, publisher, products, database, watchdog }, logger);
}
