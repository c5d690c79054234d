import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ensureDatabase,
  startPostgres,
  rememberedPorts,
  startRedis,
  type Service,
  type Teardown,
} from '#devservers';
import { reachPostgres, reachRedis } from './reach.js';
import type { Secrets } from './secrets.js';

const DATABASE = 'muster';
const RESTART_PAUSE_MS = 1000;

export interface DependencyOptions {
  dataDir: string;
  secrets: Secrets;
  /** Used instead of our own where they are set. */
  databaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  say: (line: string) => void;
}

/**
 * Sees to it that there are a Postgres and a Redis: the given ones, or our own in the data folder,
 * which are started again if they die.
 *
 * @throws StartupError when one can't be reached or started
 */
export async function startDependencies(
  options: DependencyOptions,
  teardown: Teardown,
): Promise<{ databaseUrl: string; redisUrl: string }> {
  const { databaseUrl, redisUrl } = options;
  // Before anything is started, so that a wrong URL is told at once.
  if (databaseUrl !== undefined) await reachPostgres(databaseUrl);
  if (redisUrl !== undefined) await reachRedis(redisUrl);
  const own = [databaseUrl ? [] : 'Postgres', redisUrl ? [] : 'Redis'].flat();
  if (own.length > 0) options.say(`Starting ${own.join(' and ')} ...`);
  const ports = await rememberedPorts(options.dataDir, ['postgres', 'redis']);
  const [postgres, redis] = await Promise.allSettled([
    databaseUrl ?? startOwnPostgres(ports.postgres, options, teardown),
    redisUrl ?? startOwnRedis(ports.redis, options, teardown),
  ]);
  if (postgres.status === 'rejected') throw postgres.reason;
  if (redis.status === 'rejected') throw redis.reason;
  return { databaseUrl: postgres.value, redisUrl: redis.value };
}

async function startOwnPostgres(
  port: number,
  options: DependencyOptions,
  teardown: Teardown,
): Promise<string> {
  const { dataDir, secrets, say } = options;
  const start = () =>
    startPostgres({
      ...placesOf(dataDir, 'postgres'),
      port,
      password: secrets.postgresPassword,
    });
  const postgres = await keep('Postgres', start, say, teardown);
  await ensureDatabase(postgres.urlOf('postgres'), DATABASE);
  return postgres.urlOf(DATABASE);
}

async function startOwnRedis(
  port: number,
  options: DependencyOptions,
  teardown: Teardown,
): Promise<string> {
  const { dataDir, secrets, say } = options;
  const start = () =>
    startRedis({ ...placesOf(dataDir, 'redis'), port, password: secrets.redisPassword, say });
  const { url } = await keep('Redis', start, say, teardown);
  return url;
}

function placesOf(dataDir: string, name: string) {
  return {
    dir: join(dataDir, name),
    logFile: join(dataDir, 'logs', `${name}.log`),
    pidFile: join(dataDir, 'run', `${name}.pid`),
  };
}

/** Starts a service, and starts it again whenever it ends before it is told to. */
async function keep<S extends Service>(
  name: string,
  start: () => Promise<S>,
  say: (line: string) => void,
  teardown: Teardown,
): Promise<S> {
  const first = await start();
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  let current: Service | undefined = first;
  const keepRunning = async () => {
    while (!isStopping()) {
      await current?.ended;
      if (isStopping()) return;
      say(`${name} ended unexpectedly; it is started again.`);
      await sleep(RESTART_PAUSE_MS, undefined, stopping).catch(() => undefined);
      if (isStopping()) return;
      current = await start().catch((error: unknown) => {
        say((error as Error).message);
        return undefined;
      });
    }
  };
  const kept = keepRunning();
  teardown.add(async () => {
    stopping.abort();
    await current?.stop();
    // It may have been in the middle of a new start.
    await kept;
    await current?.stop();
  });
  return first;
}
