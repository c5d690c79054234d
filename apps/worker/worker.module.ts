import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { softwareVersion, type Logger, type WorkerSettings } from '#platform';
import { InstallationForgetter, PolicyPublisher } from '#queue';
import { ErasureStore, PolicyStore, TelemetryStore } from '#storage';
import type { Products } from '#telemetry';
import { EnvelopeProcessor } from './envelope-processor.js';
import { ErasureLoop } from './erasure-loop.js';
import { HealthController } from './health.controller.js';
import { PolicyLoop } from './policy-loop.js';
import { WorkerLoop } from './worker-loop.js';

const DAY_MS = 86_400_000;

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
    const policy = policyLoop(settings, products, logger);
    const processor = new EnvelopeProcessor(store, { products, retentionMs }, policy);
    const erasures = erasureLoop(settings, erasureKey, logger);
    const loop = new WorkerLoop(processor, store, erasures, policy, settings, logger);
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
    ...{ databaseUrl, suppressionKey, connections: 2 },
    onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const onError = (error: Error) => logger.debug({ err: error }, 'the connection to Redis failed');
  const queue = new InstallationForgetter({ redisUrl, prefix, onError });
  return new ErasureLoop(store, queue, key, softwareVersion(), logger);
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
