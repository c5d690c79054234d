import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { AdminSettings, Logger } from '#platform';
import { PolicyPublisher, QueueInspector } from '#queue';
import {
  AdminStore,
  Books,
  ErasureStore,
  Holdings,
  HousekeepingStore,
  PolicyStore,
  QuarantineStore,
} from '#storage';
import { AuditController } from './audit.controller.js';
import { BalanceController } from './balance.controller.js';
import { ErasuresController } from './erasures.controller.js';
import { Gatekeeper } from './gatekeeper.js';
import { HealthController } from './health.controller.js';
import { HousekeepingController } from './housekeeping.controller.js';
import { InstallationIds } from './installation-ids.js';
import { InstallationsController } from './installations.controller.js';
import { BlocksController } from './policy/blocks.controller.js';
import { KeysController } from './policy/keys.controller.js';
import { KnownProducts } from './policy/known-products.js';
import { ProductsController } from './policy/products.controller.js';
import { PublicKey } from './public-key.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { QueueController } from './queue/queue.controller.js';
import { TokensController } from './tokens.controller.js';

const CONNECTIONS = 3;

export const controllers = [
  ErasuresController,
  InstallationsController,
  KeysController,
  ProductsController,
  TokensController,
  BlocksController,
  QuarantineController,
  QueueController,
  BalanceController,
  HousekeepingController,
  AuditController,
  HealthController,
];

/** For the few people who run the fleet's telemetry. */
@Module({})
export class AdminModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly admins: AdminStore,
    private readonly erasures: ErasureStore,
    private readonly holdings: Holdings,
    private readonly books: Books,
    private readonly inspector: QueueInspector,
    private readonly quarantine: QuarantineStore,
    private readonly housekeeping: HousekeepingStore,
    private readonly policy: PolicyStore,
    private readonly publisher: PolicyPublisher,
  ) {}

  /** @param products the names of those that are declared */
  static with(
    settings: AdminSettings,
    publicPem: string,
    products: readonly string[],
    logger: Logger,
  ): DynamicModule {
    const { databaseUrl, suppressionKey, identityKey } = settings;
    const onIdleError = (error: Error) =>
      logger.warn({ err: error }, 'a database connection broke');
    const options = { databaseUrl, suppressionKey, connections: CONNECTIONS, onIdleError };
    const policy = new PolicyStore(options);
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
        { provide: PolicyStore, useValue: policy },
        { provide: PolicyPublisher, useValue: policyPublisher(policy, settings, logger) },
        { provide: KnownProducts, useValue: new KnownProducts(products, policy) },
        { provide: InstallationIds, useValue: new InstallationIds(identityKey) },
        { provide: PublicKey, useValue: new PublicKey(publicPem) },
        Gatekeeper,
        { provide: APP_GUARD, useExisting: Gatekeeper },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.publisher.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.publisher.stop();
    const { admins, erasures, holdings, books, inspector, quarantine, housekeeping } = this;
    const all = [admins, erasures, holdings, books, inspector, quarantine, housekeeping];
    await Promise.all([...all, this.policy].map((it) => it.close()));
  }
}

function inspectorOf({ redisUrl, queuePrefix }: AdminSettings, logger: Logger): QueueInspector {
  const onError = (error: Error) => logger.debug({ err: error }, 'the connection to Redis failed');
  return new QueueInspector({ redisUrl, prefix: queuePrefix, onError });
}

function policyPublisher(
  policy: PolicyStore,
  { redisUrl, queuePrefix: prefix }: AdminSettings,
  logger: Logger,
): PolicyPublisher {
  return new PolicyPublisher(policy, {
    ...{ redisUrl, prefix },
    onError: (error) => logger.debug({ err: error }, 'the connection to Redis failed'),
    onFailure: (error) => logger.warn({ err: error }, 'the policy could not be published'),
  });
}
