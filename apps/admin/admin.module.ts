import type { OnApplicationShutdown } from '@nestjs/common';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { AdminSettings, Logger } from '#platform';
import { AdminStore, ErasureStore, Holdings, QuarantineStore } from '#storage';
import { ErasuresController } from './erasures.controller.js';
import { Gatekeeper } from './gatekeeper.js';
import { HealthController } from './health.controller.js';
import { InstallationIds } from './installation-ids.js';
import { InstallationsController } from './installations.controller.js';
import { PublicKey } from './public-key.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';

const CONNECTIONS = 3;

/** For the few people who run the fleet's telemetry. */
@Module({})
export class AdminModule implements OnApplicationShutdown {
  constructor(
    private readonly admins: AdminStore,
    private readonly erasures: ErasureStore,
    private readonly holdings: Holdings,
    private readonly quarantine: QuarantineStore,
  ) {}

  static with(settings: AdminSettings, publicPem: string, logger: Logger): DynamicModule {
    const { databaseUrl, suppressionKey, identityKey } = settings;
    const onIdleError = (error: Error) =>
      logger.warn({ err: error }, 'a database connection broke');
    const options = { databaseUrl, suppressionKey, connections: CONNECTIONS, onIdleError };
    return {
      module: AdminModule,
      controllers: [
        ErasuresController,
        InstallationsController,
        QuarantineController,
        HealthController,
      ],
      providers: [
        { provide: AdminStore, useValue: new AdminStore(options) },
        { provide: ErasureStore, useValue: new ErasureStore(options) },
        { provide: Holdings, useValue: new Holdings(databaseUrl, CONNECTIONS) },
        { provide: QuarantineStore, useValue: new QuarantineStore(options) },
        { provide: InstallationIds, useValue: new InstallationIds(identityKey) },
        { provide: PublicKey, useValue: new PublicKey(publicPem) },
        { provide: APP_GUARD, useClass: Gatekeeper },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    const stores = [this.admins, this.erasures, this.holdings, this.quarantine];
    await Promise.all(stores.map((store) => store.close()));
  }
}
