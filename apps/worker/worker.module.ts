import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { softwareVersion, type Logger, type WorkerSettings } from '#platform';
import { InstallationForgetter, PolicyPublisher } from '#queue';
import {
  certify,
  ErasureStore,
  HousekeepingStore,
  PolicyStore,
  QuarantineStore,
  Rollups,
  TelemetryStore,
  type ErasureFacts,
} from '#storage';
import { normaliseKept, type KeptEvent, type NormaliseOptions, type Products } from '#telemetry';
import { EnvelopeProcessor } from './envelope-processor.js';
import { HealthController } from './health.controller.js';
import { Housekeeping } from './housekeeping.js';
import { HousekeepingMetrics } from './housekeeping-metrics.js';
import { MetricsController } from './metrics.controller.js';
import { PolicyLoop } from './policy-loop.js';
import { WorkLoop, type Work } from './work-loop.js';
import { WorkerLoop } from './worker-loop.js';

const DAY_MS = 86_400_000;
/** Two kinds of work at once, and claims to be renewed meanwhile. */
const ERASURE_CONNECTIONS = 3;

/** Takes batches from the queue, understands them and stores them. */
@Module({})
export class WorkerModule {
  static with(
    settings: WorkerSettings,
    products: Products,
    erasureKey: KeyObject,
    logger: Logger,
  ): DynamicModule {
    const onIdleError = (error: Error) =>
      logger.warn({ err: error }, 'a database connection broke');
    const store = new TelemetryStore({
      databaseUrl: settings.databaseUrl,
      connections: settings.databaseConnections,
      suppressionKey: settings.suppressionKey,
      onIdleError,
    });
    const policy = policyLoop(settings, products, logger);
    const rules = { products, retentionMs: settings.retentionDays * DAY_MS };
    const optionsNow = () => ({ ...rules, decisions: policy.decisions });
    const processor = new EnvelopeProcessor(store, optionsNow);
    const loops = [
      new WorkLoop(erasures(settings, erasureKey, onIdleError, logger), logger),
      new WorkLoop(quarantineJobs(settings, store, optionsNow, onIdleError), logger),
    ];
    const stores = storesOfTheHouse(settings, onIdleError);
    const metrics = new HousekeepingMetrics(stores.house);
    const housekeeping = new Housekeeping(
      { ...stores, telemetry: store },
      metrics,
      settings,
      logger,
    );
    const loop = new WorkerLoop(processor, store, loops, housekeeping, policy, settings, logger);
    return {
      module: WorkerModule,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: WorkerLoop, useValue: loop },
        { provide: HousekeepingMetrics, useValue: metrics },
      ],
    };
  }
}

type OnIdleError = (error: Error) => void;

function erasures(
  settings: WorkerSettings,
  key: KeyObject,
  onIdleError: OnIdleError,
  logger: Logger,
): Work {
  const { databaseUrl, suppressionKey, redisUrl, queuePrefix: prefix } = settings;
  const store = new ErasureStore({
    ...{ databaseUrl, suppressionKey, connections: ERASURE_CONNECTIONS },
    onIdleError,
  });
  const onError = (error: Error) => logger.debug({ err: error }, 'the connection to Redis failed');
  const queue = new InstallationForgetter({ redisUrl, prefix, onError });
  const context = {
    emptyQueue: (installationIds: readonly string[]) => queue.forget(installationIds),
    certify: (facts: ErasureFacts) => certify(facts, key, softwareVersion()),
  };
  return {
    name: 'erasures',
    parts: [
      (stopping) => store.suppressNext({ ...context, stopping }),
      (stopping) => store.eraseNext({ ...context, stopping }),
    ],
    close: async () => {
      await queue.close();
      await store.close();
    },
  };
}

/** Replays and discards; a replay goes the way of all events. */
function quarantineJobs(
  { databaseUrl }: WorkerSettings,
  store: TelemetryStore,
  optionsNow: () => NormaliseOptions,
  onIdleError: OnIdleError,
): Work {
  const quarantine = new QuarantineStore({ databaseUrl, connections: 2, onIdleError });
  const normalise = (kept: KeptEvent, eventKey: string) =>
    normaliseKept(kept, eventKey, optionsNow());
  return {
    name: 'quarantine jobs',
    parts: [
      async (signal) => {
        const id = await quarantine.runNext({ normalise, store, signal });
        return { completed: id === null ? [] : [id], isIdle: id === null };
      },
    ],
    close: () => quarantine.close(),
  };
}

function storesOfTheHouse({ databaseUrl }: WorkerSettings, onIdleError: OnIdleError) {
  return {
    house: new HousekeepingStore({ databaseUrl, onIdleError }),
    quarantine: new QuarantineStore({ databaseUrl, connections: 1, onIdleError }),
    rollups: new Rollups({ databaseUrl, onIdleError }),
  };
}

function policyLoop(settings: WorkerSettings, products: Products, logger: Logger): PolicyLoop {
  const { databaseUrl, suppressionKey, redisUrl, queuePrefix: prefix } = settings;
  const store = new PolicyStore({
    ...{ databaseUrl, suppressionKey, connections: 1 },
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const publisher = new PolicyPublisher(store, {
    ...{ redisUrl, prefix },
    onError: (error) => logger.debug({ err: error }, 'the connection to Redis failed'),
    onFailure: (error) => logger.warn({ err: error }, 'the policy could not be published'),
  });
  return new PolicyLoop(store, publisher, products, logger);
}
