import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger, WorkerSettings } from '#platform';
import { TelemetryStore } from '#storage';
import type { Products } from '#telemetry';
import { EnvelopeProcessor } from './envelope-processor.js';
import { HealthController } from './health.controller.js';
import { WorkerLoop } from './worker-loop.js';

const DAY_MS = 86_400_000;

/** Takes batches from the queue, understands them and stores them. */
@Module({})
export class WorkerModule {
  static with(settings: WorkerSettings, products: Products, logger: Logger): DynamicModule {
    const store = new TelemetryStore({
      databaseUrl: settings.databaseUrl,
      connections: settings.databaseConnections,
      suppressionKey: settings.suppressionKey,
      onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    });
    const retentionMs = settings.retentionDays * DAY_MS;
    const processor = new EnvelopeProcessor(store, { products, retentionMs });
    const loop = new WorkerLoop(processor, store, settings, logger);
    return {
      module: WorkerModule,
      controllers: [HealthController],
      providers: [{ provide: WorkerLoop, useValue: loop }],
    };
  }
}
