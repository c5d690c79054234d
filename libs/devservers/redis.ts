import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { StartupError } from '#platform';
import { cutOffZeros, refusesAppendOnlyFile } from './append-only-file.js';
import { addedSince, rotate } from './log-file.js';
import { writePrivately } from './private-file.js';
import { startService, type Ending, type Service } from './service.js';

const START_LIMIT_MS = 60_000;
export const REDIS_ENDING: readonly Ending[] = [
  ['SIGTERM', 15_000],
  ['SIGKILL', 2000],
];

export interface RedisOptions {
  /** Its folder: what it stores, and its configuration with the password. */
  dir: string;
  logFile: string;
  pidFile: string;
  port: number;
  password: string;
  /** Lines of redis.conf that come last, and so win. */
  extra?: readonly string[];
  /** Prints a line for the person at the terminal. */
  say?: (line: string) => void;
}

/**
 * Starts the `redis-server` of this machine, as a queue needs it: every write on disk before it is
 * answered, and no key ever evicted. Zeros at the end of its append-only file, which a power cut
 * leaves, are cut off.
 *
 * @returns once it answers, which after a sudden end takes as long as reading its log again
 * @throws StartupError when there is no redis-server, or it does not start
 */
export async function startRedis(options: RedisOptions): Promise<Service & { url: string }> {
  const logStart = await rotate(options.logFile);
  try {
    return await launch(options, logStart);
  } catch (error) {
    if (!refusesAppendOnlyFile(await addedSince(options.logFile, logStart))) throw error;
  }
  options.say?.(await cutOffZeros(options.dir));
  return launch(options, await rotate(options.logFile));
}

async function launch(options: RedisOptions, logStart: number): Promise<Service & { url: string }> {
  const { dir, port, password, logFile, pidFile } = options;
  const config = join(dir, 'redis.conf');
  await mkdir(dir, { recursive: true });
  await writePrivately(config, configuration(options));
  const service = await startService({
    command: 'redis-server',
    args: [config],
    pidFile,
    logFile,
    ending: REDIS_ENDING,
  }).catch((cause: unknown) => {
    throw new StartupError(
      'redis-server is not on the PATH; install Redis, or set REDIS_URL to one that runs elsewhere.',
      { cause },
    );
  });
  // With an empty user name, redis-cli of Redis 7 would answer WRONGPASS.
  const url = `redis://default:${password}@127.0.0.1:${port}/0`;
  try {
    await untilItAnswers(url, service, () => addedSince(logFile, logStart));
  } catch (error) {
    await service.stop();
    throw error;
  }
  return { ...service, url };
}

/** The password is in a file that only we may read, because everybody sees a command line. */
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

async function untilItAnswers(url: string, service: Service, log: () => Promise<string>) {
  const redis = new Redis(url, {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => 50,
  });
  // Refused connections are what we wait through; the end of the process tells of the rest.
  redis.on('error', () => undefined);
  try {
    const giveUpAt = Date.now() + START_LIMIT_MS;
    while (!(await redis.ping().catch(() => false))) {
      if (service.hasEnded() || Date.now() > giveUpAt) {
        throw new StartupError(
          `redis-server did not start; its last words: ${lastLine(await log())}`,
        );
      }
      await sleep(20);
    }
  } finally {
    redis.disconnect();
  }
}

const lastLine = (log: string) => log.trim().split('\n').at(-1) ?? '';
