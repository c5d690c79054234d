import type { OnApplicationShutdown } from '@nestjs/common';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { AdminSettings, Logger } from '#platform';
import { QueueInspector } from '#queue';
import {
  AdminStore,
  Books,
  ErasureStore,
  Holdings,
  HousekeepingStore,
  QuarantineStore,
} from '#storage';
import { BalanceController } from './balance.controller.js';
import { ErasuresController } from './erasures.controller.js';
import { Gatekeeper } from './gatekeeper.js';
import { HealthController } from './health.controller.js';
import { HousekeepingController } from './housekeeping.controller.js';
import { InstallationIds } from './installation-ids.js';
import { InstallationsController } from './installations.controller.js';
import { PublicKey } from './public-key.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { QueueController } from './queue/queue.controller.js';

const CONNECTIONS = 3;

export const controllers = [
  ErasuresController,
  InstallationsController,
  QuarantineController,
  QueueController,
  BalanceController,
  HousekeepingController,
  HealthController,
];

/** For the few people who run the fleet's telemetry. */
@Module({})
export class AdminModule implements OnApplicationShutdown {
  constructor(
    private readonly admins: AdminStore,
    private readonly erasures: ErasureStore,
    private readonly holdings: Holdings,
    private readonly books: Books,
    private readonly inspector: QueueInspector,
    private readonly quarantine: QuarantineStore,
    private readonly housekeeping: HousekeepingStore,
  ) {}

  static with(settings: AdminSettings, publicPem: string, logger: Logger): DynamicModule {
    const { databaseUrl, suppressionKey, identityKey } = settings;
    const onIdleError = (error: Error) =>
      logger.warn({ err: error }, 'a database connection broke');
    const options = { databaseUrl, suppressionKey, connections: CONNECTIONS, onIdleError };
    return {
      module: AdminModule,
      controllers,
      providers: [
        { provide: AdminStore, useValue: new AdminStore(options) },
        { provide: ErasureStore, useValue: new ErasureStore(options) },
        { provide: Holdings, useValue: new Holdings(databaseUrl, CONNECTIONS) },
        { provide: Books, useValue: new Books(databaseUrl, 1) },
        { provide: QueueInspector, useValue: inspectorOf(settings, logger) },
        { provide: QuarantineStore, useValue: new QuarantineStore(options) },
        {
          provide: HousekeepingStore,
          useValue: new HousekeepingStore({ databaseUrl, onIdleError }),
        },
        { provide: InstallationIds, useValue: new InstallationIds(identityKey) },
        { provide: PublicKey, useValue: new PublicKey(publicPem) },
        Gatekeeper,
        { provide: APP_GUARD, useExisting: Gatekeeper },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    const { admins, erasures, holdings, books, inspector, quarantine, housekeeping } = this;
    const all = [admins, erasures, holdings, books, inspector, quarantine, housekeeping];
    await Promise.all(all.map((it) => it.close()));
  }
}

function inspectorOf({ redisUrl, queuePrefix }: AdminSettings, logger: Logger): QueueInspector {
  const onError = (error: Error) => logger.debug({ err: error }, 'the connection to Redis failed');
  return new QueueInspector({ redisUrl, prefix: queuePrefix, onError });
}
