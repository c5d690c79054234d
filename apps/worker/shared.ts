import type { KeyObject } from 'node:crypto';
import { logClock, type Logger, type WorkerSettings } from '#platform';
import { RedisConnections, StoreClock } from '#queue';
import { Database } from '#storage';
import type { Products } from '#telemetry';
import { Watchdog } from './watchdog.js';

/** The keys that sign erasure certificates and the ledger. */
export interface ErasureKeys {
  key: KeyObject;
  /** Earlier public keys. */
  formerKeys: readonly KeyObject[];
}

/** What all parts of a worker share. */
export interface Shared {
  settings: WorkerSettings;
  products: Products;
  keys: ErasureKeys;
  redis: RedisConnections;
  clock: StoreClock;
  database: Database;
  watchdog: Watchdog;
  logger: Logger;
}

/** Erasures at two stages, quarantine jobs, purges, maintenance, and a reserve for short statements. */
const GENERAL_CONNECTIONS = 6;
const LEAST_GENERAL_CONNECTIONS = 2;
const LISTENING_CONNECTIONS = 1;

export function connect(given: Pick<Shared, 'settings' | 'products' | 'keys' | 'logger'>): Shared {
  const { settings, logger } = given;
  const { redisUrl, queuePrefix: prefix } = settings;
  const onError = (error: Error) => logger.debug({ err: error }, 'Redis connection failed');
  const redis = new RedisConnections({ redisUrl, prefix, onError });
  const watchdog = new Watchdog(settings.stuckSeconds);
  return {
    ...given,
    redis,
    clock: new StoreClock(redis, logClock(logger)),
    database: openDatabase(settings, watchdog, logger),
    watchdog,
  };
}

/** All connections of the process. */
function openDatabase(settings: WorkerSettings, watchdog: Watchdog, logger: Logger): Database {
  const { databaseUrl, databaseConnections, concurrency } = settings;
  const all = databaseConnections - LISTENING_CONNECTIONS;
  const rest = Math.max(all - concurrency, LEAST_GENERAL_CONNECTIONS);
  const connections = Math.min(rest, GENERAL_CONNECTIONS);
  return new Database({
    ...{ databaseUrl, name: 'muster-worker', connections, writeConnections: all - connections },
    onProgress: (name) => watchdog.progress(name),
    onOutage: (error) => logger.warn({ err: error }, 'database connection lost; waiting for it'),
    onRecovery: (outageMs) => logger.info({ outageMs }, 'database connection restored'),
  });
}
