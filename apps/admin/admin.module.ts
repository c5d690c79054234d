import type { OnApplicationBootstrap, Provider } from '@nestjs/common';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD, APP_PIPE } from '@nestjs/core';
import {
  Drain,
  HttpServers,
  logClock,
  publicPem,
  StartupError,
  type AdminSettings,
  type Logger,
} from '#platform';
import { PolicyPublisher, QueueInspector, RedisConnections, StoreClock } from '#queue';
import {
  AdminStore,
  BalanceReader,
  Database,
  ErasureStore,
  InstallationData,
  MaintenanceStore,
  PolicyStore,
  PurgeStore,
  QuarantineStore,
  UnsuitableDatabase,
} from '#storage';
import { AuditController } from './operations/audit.controller.js';
import { BalanceController } from './operations/balance.controller.js';
import { ErasuresController } from './erasures/erasures.controller.js';
import { AuthGuard } from './http/auth.guard.js';
import { Guesses } from './http/guesses.js';
import { HealthController, PublicKey } from './operations/health.controller.js';
import { HousekeepingController } from './operations/housekeeping.controller.js';
import { InstallationIds } from './erasures/installation-ids.js';
import { InstallationsController } from './erasures/installations.controller.js';
import { KnownTokens } from './http/known-tokens.js';
import { BlocksController } from './access/blocks.controller.js';
import { KeysController } from './access/keys.controller.js';
import { KnownProducts } from './access/known-products.js';
import { ProductsController } from './access/products.controller.js';
import { LedgerCheck, type LedgerKeys } from './erasures/ledger-check.js';
import { LedgerController } from './erasures/ledger.controller.js';
import { AdminMetrics } from './http/metrics.js';
import { PurgesController } from './purges/purges.controller.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { QueueController } from './operations/queue.controller.js';
import { RequestShape, ValidationPipe } from './http/validation.js';
import { TokensController } from './access/tokens.controller.js';

/** How long a start waits for Redis' time. */
const CLOCK_MS = 500;
/** Administrators wait for the response. */
const SETTINGS = { statement_timeout: 30_000 };

export const controllers = [
  ErasuresController,
  LedgerController,
  InstallationsController,
  KeysController,
  ProductsController,
  TokensController,
  BlocksController,
  QuarantineController,
  PurgesController,
  QueueController,
  BalanceController,
  HousekeepingController,
  AuditController,
  HealthController,
];

/** What the process creates before the module. */
export interface AdminParts {
  keys: LedgerKeys;
  /** The names of the declared products. */
  products: readonly string[];
  drain: Drain;
  servers: HttpServers;
}

/** The stores that need nothing but the database. */
function storesOf(database: Database): Provider[] {
  const stores = [InstallationData, BalanceReader, QuarantineStore, PurgeStore, MaintenanceStore];
  return [
    { provide: Database, useValue: database },
    ...stores.map((Store) => ({ provide: Store, useValue: new Store(database) })),
  ];
}

/** The admin API. */
@Module({})
export class AdminModule implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly redis: RedisConnections,
    private readonly publisher: PolicyPublisher,
    private readonly clock: StoreClock,
  ) {}

  static with(settings: AdminSettings, parts: AdminParts, logger: Logger): DynamicModule {
    const { suppressionKey, identityKey } = settings;
    const { keys, products, drain, servers } = parts;
    const database = openDatabase(settings, logger);
    const options = { database, suppressionKey };
    const policy = new PolicyStore(options);
    const admins = new AdminStore(options);
    const redis = connectRedis(settings, logger);
    const clock = new StoreClock(redis, logClock(logger));
    return {
      module: AdminModule,
      controllers,
      providers: [
        ...storesOf(database),
        { provide: ErasureStore, useValue: new ErasureStore(options) },
        { provide: AdminStore, useValue: admins },
        {
          provide: LedgerCheck,
          useValue: new LedgerCheck({ redis, database, settings, keys, clock }),
        },
        { provide: QueueInspector, useValue: new QueueInspector(redis, clock) },
        { provide: RedisConnections, useValue: redis },
        { provide: StoreClock, useValue: clock },
        { provide: PolicyStore, useValue: policy },
        { provide: PolicyPublisher, useValue: policyPublisher(redis, policy, logger) },
        { provide: KnownProducts, useValue: new KnownProducts(products, policy) },
        { provide: InstallationIds, useValue: new InstallationIds(identityKey) },
        { provide: PublicKey, useValue: new PublicKey(publicPem(keys.key)) },
        { provide: KnownTokens, useValue: new KnownTokens(admins) },
        { provide: Guesses, useValue: new Guesses(logger) },
        { provide: Drain, useValue: drain },
        { provide: HttpServers, useValue: servers },
        { provide: AdminMetrics, useValue: new AdminMetrics({ clock, servers }) },
        AuthGuard,
        // Authentication comes first, so that errors reveal no parameter names to strangers.
        { provide: APP_GUARD, useExisting: AuthGuard },
        { provide: APP_GUARD, useClass: RequestShape },
        { provide: APP_PIPE, useClass: ValidationPipe },
      ],
    };
  }

  /** Starts even if the database is unavailable. @throws StartupError if the database is unsuitable */
  async onApplicationBootstrap(): Promise<void> {
    await this.database.check().catch((cause: unknown) => {
      if (cause instanceof UnsuitableDatabase) throw new StartupError(cause.message, { cause });
    });
    this.publisher.start();
    this.database.listen('policy', () => void this.publisher.publish());
    await this.clock.start(CLOCK_MS);
  }

  /** Closes all connections to the stores. Call it after the last response. */
  async close(): Promise<void> {
    await this.publisher.stop();
    this.clock.stop();
    this.redis.close();
    await this.database.close();
  }
}

/** All connections of the process; one of them listens. */
function openDatabase(settings: AdminSettings, logger: Logger): Database {
  const { databaseUrl, databaseConnections } = settings;
  const connections = databaseConnections - 1;
  return new Database({
    ...{ databaseUrl, name: 'muster-admin', connections, settings: SETTINGS },
    onOutage: (error) => logger.warn({ err: error }, 'database connection lost'),
    onRecovery: (outageMs) => logger.info({ outageMs }, 'database connection restored'),
  });
}

/** All connections of the process to Redis. */
function connectRedis(settings: AdminSettings, logger: Logger): RedisConnections {
  const { redisUrl, queuePrefix: prefix } = settings;
  const onError = (error: Error) => logger.debug({ err: error }, 'Redis connection failed');
  return new RedisConnections({ redisUrl, prefix, onError });
}

function policyPublisher(redis: RedisConnections, policy: PolicyStore, logger: Logger) {
  return new PolicyPublisher(redis, policy, (error) =>
    logger.warn({ err: error }, 'policy could not be published to Redis; retrying'),
  );
}
