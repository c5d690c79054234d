import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger, WorkerSettings } from '#platform';
import { TelemetryStore } from '#storage';
import { EnvelopeProcessor } from './envelope-processor.js';
import { HealthController } from './health.controller.js';
import { WorkerLoop } from './worker-loop.js';

/** Takes batches from the queue, understands them and stores them. */
@Module({})
export class WorkerModule {
  static with(settings: WorkerSettings, logger: Logger): DynamicModule {
    const store = new TelemetryStore({
      databaseUrl: settings.databaseUrl,
      connections: settings.databaseConnections,
      onIdleError: (error) => logger.warn({ err: error }, 'a database connection broke'),
    });
    const processor = new EnvelopeProcessor(store, settings.retentionDays);
    const loop = new WorkerLoop(processor, store, settings, logger);
    return {
      module: WorkerModule,
      controllers: [HealthController],
      providers: [{ provide: WorkerLoop, useValue: loop }],
    };
  }
}
