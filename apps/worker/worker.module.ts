import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { softwareVersion, type Logger, type WorkerSettings } from '#platform';
import { InstallationForgetter } from '#queue';
import { ErasureStore, TelemetryStore } from '#storage';
import type { Products } from '#telemetry';
import { EnvelopeProcessor } from './envelope-processor.js';
import { ErasureLoop } from './erasure-loop.js';
import { HealthController } from './health.controller.js';
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
    const store = new TelemetryStore({
      databaseUrl: settings.databaseUrl,
      connections: settings.databaseConnections,
      suppressionKey: settings.suppressionKey,
      onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    });
    const retentionMs = settings.retentionDays * DAY_MS;
    const processor = new EnvelopeProcessor(store, { products, retentionMs });
    const erasures = erasureLoop(settings, erasureKey, logger);
    const loop = new WorkerLoop(processor, store, erasures, settings, logger);
    return {
      module: WorkerModule,
      controllers: [HealthController],
      providers: [{ provide: WorkerLoop, useValue: loop }],
    };
  }
}

function erasureLoop(settings: WorkerSettings, key: KeyObject, logger: Logger): ErasureLoop {
  const { databaseUrl, suppressionKey, redisUrl, queuePrefix: prefix } = settings;
  const store = new ErasureStore({
    ...{ databaseUrl, suppressionKey, connections: ERASURE_CONNECTIONS },
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const onError = (error: Error) => logger.debug({ err: error }, 'the connection to Redis failed');
  const queue = new InstallationForgetter({ redisUrl, prefix, onError });
  return new ErasureLoop(store, queue, key, softwareVersion(), logger);
}
