import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { StartupError } from '#platform';
import { failedOnAppendOnlyFile, truncateZeros } from './append-only-file.js';
import { readSince, rotateLog } from './log-file.js';
import { writePrivateFile } from './private-file.js';
import { startService, type StopSignal, type Service } from './service.js';

const START_TIMEOUT_MS = 60_000;
export const REDIS_STOP_SIGNALS: readonly StopSignal[] = [
  ['SIGTERM', 15_000],
  ['SIGKILL', 2000],
];

export interface RedisOptions {
  /** The folder of its data and of its configuration, which contains the password. */
  dir: string;
  logFile: string;
  pidFile: string;
  port: number;
  password: string;
  /** Additional lines of redis.conf, which override the others. */
  extra?: readonly string[];
  say?: (line: string) => void;
}

/**
 * Starts the `redis-server` of this machine, configured for a queue: every write is on disk before it is confirmed,
 * and no key is evicted. Zeros at the end of its append-only file, which a power cut leaves, are truncated.
 *
 * @returns once it responds, which after a crash takes as long as reading the append-only file
 * @throws StartupError if redis-server is missing or does not start
 */
export async function startRedis(options: RedisOptions): Promise<Service & { url: string }> {
  const logStart = await rotateLog(options.logFile);
  try {
    return await launch(options, logStart);
  } catch (error) {
    if (!failedOnAppendOnlyFile(await readSince(options.logFile, logStart))) throw error;
  }
  options.say?.(await truncateZeros(options.dir));
  return launch(options, await rotateLog(options.logFile));
}

async function launch(options: RedisOptions, logStart: number): Promise<Service & { url: string }> {
  const { dir, port, password, logFile, pidFile } = options;
  const config = join(dir, 'redis.conf');
  await mkdir(dir, { recursive: true });
  await writePrivateFile(config, configuration(options));
  const service = await startService({
    command: 'redis-server',
    args: [config],
    pidFile,
    logFile,
    stopSignals: REDIS_STOP_SIGNALS,
  }).catch((cause: unknown) => {
    throw new StartupError(
      'redis-server is not on the PATH; install Redis, or set REDIS_URL to another Redis.',
      { cause },
    );
  });
  // With an empty user name, redis-cli of Redis 7 fails with WRONGPASS.
  const url = `redis://default:${password}@127.0.0.1:${port}/0`;
  try {
    await waitUntilReady(url, service, () => readSince(logFile, logStart));
  } catch (error) {
    await service.stop();
    throw error;
  }
  return { ...service, url };
}

/** The password is in a private file, because command lines are visible to all users. */
function configuration({ dir, port, password, extra = [] }: RedisOptions): string {
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(dir)}`,
    'appendonly yes',
    'appendfsync always',
    'save ""',
    'maxmemory 512mb',
    'maxmemory-policy noeviction',
    ...extra,
  ];
  return `${lines.join('\n')}\n`;
}

async function waitUntilReady(url: string, service: Service, log: () => Promise<string>) {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => 50,
  });
  // Connections are refused until Redis is ready. Other failures end the process.
  redis.on('error', () => undefined);
  try {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await redis.ping().catch(() => false))) {
      if (service.hasEnded() || Date.now() > deadline) {
        throw new StartupError(`redis-server did not start: ${lastLine(await log())}`);
      }
      await sleep(20);
    }
  } finally {
    redis.disconnect();
  }
}

const lastLine = (log: string) => log.trim().split('\n').at(-1) ?? '';
