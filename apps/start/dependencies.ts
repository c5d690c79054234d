import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ensureDatabase,
  startPostgres,
  assignPorts,
  startRedis,
  type Service,
  type Teardown,
} from '#devservers';
import { checkPostgres, checkRedis } from './check-connections.js';
import type { Secrets } from './secrets.js';

const DATABASE = 'muster';
const RESTART_PAUSE_MS = 1000;

export interface DependencyOptions {
  dataDir: string;
  secrets: Secrets;
  /** Used instead of an embedded one. */
  databaseUrl?: string | undefined;
  redisUrl?: string | undefined;
  say: (line: string) => void;
}

/**
 * Ensures a Postgres and a Redis: the given ones, or embedded ones in the data folder, which are restarted if they
 * exit.
 *
 * @throws StartupError if one cannot be reached or started
 */
export async function startDependencies(
  options: DependencyOptions,
  teardown: Teardown,
): Promise<{ databaseUrl: string; redisUrl: string }> {
  const { databaseUrl, redisUrl } = options;
  // Before anything is started, so that a wrong URL is reported at once.
  if (databaseUrl !== undefined) await checkPostgres(databaseUrl);
  if (redisUrl !== undefined) await checkRedis(redisUrl);
  const local = [databaseUrl ? [] : 'Postgres', redisUrl ? [] : 'Redis'].flat();
  if (local.length > 0) options.say(`Starting ${local.join(' and ')} ...`);
  const ports = await assignPorts(options.dataDir, ['postgres', 'redis']);
  const [postgres, redis] = await Promise.allSettled([
    databaseUrl ?? startEmbeddedPostgres(ports.postgres, options, teardown),
    redisUrl ?? startLocalRedis(ports.redis, options, teardown),
  ]);
  if (postgres.status === 'rejected') throw postgres.reason;
  if (redis.status === 'rejected') throw redis.reason;
  return { databaseUrl: postgres.value, redisUrl: redis.value };
}

async function startEmbeddedPostgres(
  port: number,
  options: DependencyOptions,
  teardown: Teardown,
): Promise<string> {
  const { dataDir, secrets, say } = options;
  const start = () =>
    startPostgres({
      ...pathsOf(dataDir, 'postgres'),
      port,
      password: secrets.postgresPassword,
    });
  const postgres = await supervise('Postgres', start, say, teardown);
  await ensureDatabase(postgres.urlOf('postgres'), DATABASE);
  return postgres.urlOf(DATABASE);
}

async function startLocalRedis(
  port: number,
  options: DependencyOptions,
  teardown: Teardown,
): Promise<string> {
  const { dataDir, secrets, say } = options;
  const start = () =>
    startRedis({ ...pathsOf(dataDir, 'redis'), port, password: secrets.redisPassword, say });
  const { url } = await supervise('Redis', start, say, teardown);
  return url;
}

function pathsOf(dataDir: string, name: string) {
  return {
    dir: join(dataDir, name),
    logFile: join(dataDir, 'logs', `${name}.log`),
    pidFile: join(dataDir, 'run', `${name}.pid`),
  };
}

/** Starts a service, and restarts it whenever it exits before the teardown. */
async function supervise<S extends Service>(
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
      say(`${name} exited unexpectedly; restarting.`);
      await sleep(RESTART_PAUSE_MS, undefined, stopping).catch(() => undefined);
      if (isStopping()) return;
      current = await start().catch((error: unknown) => {
        say((error as Error).message);
        return undefined;
      });
    }
  };
  const restarting = keepRunning();
  teardown.add(async () => {
    stopping.abort();
    await current?.stop();
    // A restart may have been in progress.
    await restarting;
    await current?.stop();
  });
  return first;
}
