import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, inject } from 'vitest';
import { findFreePort, type Service, startRedis as startServer } from '#devservers';
import { RedisConnections } from '#queue';
import { placesOf } from './services.js';

/** A separate queue in the Redis that all tests share. */
export function sharedRedis(): { url: string; queuePrefix: string } {
  const queuePrefix = `test_${randomBytes(6).toString('hex')}`;
  return { url: inject('services').redisUrl, queuePrefix };
}

const opened: RedisConnections[] = [];
afterAll(() => {
  for (const redis of opened.splice(0)) redis.close();
});

/** Connections like those of one process. They are closed at the end of the test file. */
export function connectTo(redisUrl: string, prefix: string, timeoutMs?: number): RedisConnections {
  const options = { redisUrl, prefix, onError: () => undefined };
  const redis = new RedisConnections({ ...options, ...(timeoutMs !== undefined && { timeoutMs }) });
  opened.push(redis);
  return redis;
}

/** A private Redis that tests may kill, pause and starve. */
export interface PrivateRedis {
  readonly url: string;
  /** Its data folder. */
  readonly dir: string;
  readonly pid: number;
  /** Kills it, like a power cut. */
  kill(): Promise<void>;
  /** Makes it hang. Connections stay open without a response. */
  pause(): void;
  resume(): void;
  /**
   * Restarts it after `kill`, with its data on disk, at the same port. @returns messages of the
   * start
   */
  restart(): Promise<string[]>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/**
 * @param options.maxmemory as in redis.conf, such as `20mb`
 * @param options.extra further lines of redis.conf
 */
export async function startRedis(
  options: { maxmemory?: string; extra?: string[] } = {},
): Promise<PrivateRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-redis-'));
  const { maxmemory, extra = [] } = options;
  const port = await findFreePort();
  const places = placesOf(dir, 'redis');
  const start = (say?: (line: string) => void) =>
    startServer({
      ...places,
      ...(say && { say }),
      port,
      password: 'only-for-tests',
      extra: [...(maxmemory ? [`maxmemory ${maxmemory}`] : []), ...extra],
    });
  const { url, ...first } = await start();
  let service: Service = first;
  const send = (signal: NodeJS.Signals) => void process.kill(service.pid, signal);
  return {
    url,
    dir: places.dir,
    get pid() {
      return service.pid;
    },
    async kill() {
      send('SIGKILL');
      await service.ended;
    },
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
    async restart() {
      const said: string[] = [];
      service = await start((line) => said.push(line));
      return said;
    },
    async stop() {
      if (!service.hasEnded()) send('SIGCONT');
      await service.stop();
      await rm(dir, { recursive: true });
    },
  };
}
