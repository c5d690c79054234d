import type { Redis } from 'ioredis';
import { UnrecoverableError, Worker } from 'bullmq';
import { ENVELOPES, untilLost, type RedisConnections } from './connection.js';
import { StallWatch } from './stall-watch.js';
import type { Clock } from './store-clock.js';
import { createStoreTimeBackend } from './store-time-backend.js';
import { unpackBatch, UnreadableJob, type EnvelopeBatch } from './envelope-batch.js';

export interface EnvelopeConsumerOptions {
  /** The clock by which failed jobs are retried. */
  clock: Clock;
  /** Jobs under way at once. */
  concurrency: number;
  /** Called for every error that is not a job's, a lost connection among them. */
  onError: (error: Error) => void;
  /** Called for every failed attempt. The job is retried unless it is unreadable. */
  onFailure: (error: Error, attempts: number) => void;
  /** After this long with waiting jobs and no completed one, the queue counts as stalled. */
  stallMs: number;
  /** Called when the queue stalls, and when it recovers. */
  onStall: (isStalled: boolean) => void;
}

export interface EnvelopeConsumer {
  /** Throws unless the worker is running and Redis responds. */
  check(): Promise<void>;
  /** Whether jobs wait, and none has been completed for long. */
  readonly isStalled: boolean;
  /** Takes no more jobs, finishes those under way and disconnects. */
  close(): Promise<void>;
}

/**
 * A worker that is killed loses its locks after four seconds, and a second or two later another takes its
 * jobs. One that was merely slow finds out when it commits: a batch is stored once, however often it is
 * delivered. So the times can be short, and no number of deliveries makes a job fail. A worker renews all
 * its locks with one command, and the check for lost ones takes Redis a tenth of a millisecond.
 */
const LOCK_MS = 4000;
const LOCK_RENEWAL_MS = 1000;
const STALLED_CHECK_MS = 1000;
const NEVER = 1_000_000_000;
/** Pause after a command that failed with its connection. BullMQ's default is 15 seconds. */
const FETCH_RETRY_MS = 250;

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 30_000;

/**
 * Passes the queue's batches to `handle`, and retries later if it throws. Unreadable jobs are kept as failed.
 */
export function consumeEnvelopes(
  connections: RedisConnections,
  options: EnvelopeConsumerOptions,
  handle: (batch: EnvelopeBatch) => Promise<void>,
): EnvelopeConsumer {
  const redis = connections.connectPatient();
  const underWay = new Set<Promise<void>>();
  const process = async (data: unknown) => {
    const work = unpackAndHandle(data, handle);
    underWay.add(work);
    await work.finally(() => underWay.delete(work));
  };
  const worker = startWorker({ redis, prefix: connections.prefix }, options, process);
  const stall = watchStalls(options, { connections, redis, underWay });
  worker.on('completed', () => stall.progress());
  return {
    check: async () => {
      if (!worker.isRunning()) throw new Error('The worker is not running.');
      // A command would wait for the connection.
      if (redis.status !== 'ready') throw new Error('Redis is not connected.');
      await redis.ping();
    },
    get isStalled() {
      return stall.isStalled;
    },
    close: async () => {
      stall.stop();
      // BullMQ would wait for a lost connection; what could not be marked as done is delivered again.
      const done = untilLost(redis).then(() => Promise.allSettled(underWay));
      await Promise.race([worker.close(), done]);
      redis.disconnect();
    },
  };
}

function startWorker(
  { redis, prefix }: { redis: Redis; prefix: string },
  { clock, concurrency, onError, onFailure }: EnvelopeConsumerOptions,
  process: (data: unknown) => Promise<void>,
): Worker<unknown> {
  const worker = new Worker<unknown>(
    ENVELOPES,
    ({ data }) => process(data),
    {
      ...{ connection: redis, prefix, concurrency },
      lockDuration: LOCK_MS,
      lockRenewTime: LOCK_RENEWAL_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: NEVER,
      runRetryDelay: FETCH_RETRY_MS,
      settings: { backoffStrategy: retryDelayMs },
    },
    createStoreTimeBackend(clock),
  );
  worker.on('error', onError);
  worker.on('failed', (job, error) => onFailure(error, job?.attemptsMade ?? 0));
  return worker;
}

/** Jobs that are tried again later wait as well: none of them is completed. */
function watchStalls(
  { stallMs, onStall }: EnvelopeConsumerOptions,
  {
    connections,
    redis,
    underWay,
  }: { connections: RedisConnections; redis: Redis; underWay: ReadonlySet<unknown> },
): StallWatch {
  const queue = connections.queue(ENVELOPES, redis);
  const countPending = async () => {
    if (redis.status !== 'ready') return null;
    const counts = await queue.getJobCounts('waiting', 'prioritized', 'delayed');
    return Object.values(counts).reduce((sum, count) => sum + count, underWay.size);
  };
  return new StallWatch({ stallMs, countPending, onChange: onStall });
}

/** An unreadable job is not retried: it would stay unreadable. */
async function unpackAndHandle(data: unknown, handle: (batch: EnvelopeBatch) => Promise<void>) {
  try {
    await handle(unpackBatch(data));
  } catch (error) {
    throw error instanceof UnreadableJob ? new UnrecoverableError(error.message) : error;
  }
}

/** Doubles from a quarter of a second to half a minute, spread by a fifth so that not all come at once. */
export function retryDelayMs(attempts: number): number {
  const delay = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 30), LAST_RETRY_MS);
  return Math.round(delay * (0.8 + 0.2 * Math.random()));
}
