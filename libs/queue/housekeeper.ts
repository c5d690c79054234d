import { Queue, Worker } from 'bullmq';
import { connectPatiently, HOUSEKEEPING, untilLost, type QueueOptions } from './connection.js';
import type { Clock } from './store-clock.js';
import { createStoreTimeBackend } from './store-time-backend.js';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * The jobs of housekeeping, and how often each is done by one of all workers. Those that depend on
 * settings are also done soon after a worker has started.
 */
export const housekeepingJobs = {
  partitions: { everyMs: HOUR_MS, isDoneAtStart: false },
  retention: { everyMs: DAY_MS, isDoneAtStart: true },
  orphans: { everyMs: DAY_MS, isDoneAtStart: false },
  compaction: { everyMs: DAY_MS, isDoneAtStart: false },
  'quarantine-retention': { everyMs: HOUR_MS, isDoneAtStart: false },
  rollups: { everyMs: 60 * SECOND_MS, isDoneAtStart: true },
} as const satisfies Record<string, { everyMs: number; isDoneAtStart: boolean }>;

export type HousekeepingJob = keyof typeof housekeepingJobs;

export interface HousekeeperOptions extends QueueOptions {
  /** By which jobs are scheduled. */
  clock: Clock;
  /** Told of a job that failed. It is tried again at its next time. */
  onFailure: (job: string, error: Error) => void;
}

export interface Housekeeper {
  /** Takes no more jobs, ends the one under way and disconnects. */
  close(): Promise<void>;
}

/** Workers that start together make one job of it. */
const AFTER_START_MS = 5 * SECOND_MS;
/** A Redis that has lost its data gets the schedules back within this. */
const SCHEDULE_CHECK_MS = 600 * SECOND_MS;
/** Nothing is kept of a job: what came of it is in the database. */
const JOB = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;
/** The job of a worker that was killed is taken by another one within some ten seconds. */
const LOCKS = {
  ...{ lockDuration: 10_000, stalledInterval: 2000, maxStalledCount: 1_000_000_000 },
  runRetryDelay: 250,
} as const;

/**
 * Takes the jobs of housekeeping, one at a time, beside all other workers: each is given to one of them.
 * `handle` ends soon when its signal is aborted.
 */
export function keepHouse(
  options: HousekeeperOptions,
  handle: (job: HousekeepingJob, signal: AbortSignal) => Promise<void>,
): Housekeeper {
  const redis = connectPatiently(options);
  const base = { connection: redis, prefix: options.prefix };
  const inStoreTime = createStoreTimeBackend(options.clock);
  const queue = new Queue(HOUSEKEEPING, base, inStoreTime);
  const stopping = new AbortController();
  let underWay: Promise<void> | null = null;
  const worker = new Worker(
    HOUSEKEEPING,
    async ({ name }) => {
      // A newer version may have more jobs.
      if (!isJob(name)) return;
      underWay = handle(name, stopping.signal);
      await underWay;
    },
    { ...base, ...LOCKS, concurrency: 1 },
    inStoreTime,
  );
  queue.on('error', options.onError);
  worker.on('error', options.onError);
  worker.on('failed', (job, error) => {
    if (!stopping.signal.aborted) options.onFailure(job?.name ?? '', error);
  });
  const keepSchedules = () => void schedule(queue).catch(options.onError);
  void schedule(queue)
    .then(() => addAtStart(queue, options.clock))
    .catch(options.onError);
  const timer = setInterval(keepSchedules, SCHEDULE_CHECK_MS);
  return {
    close: async () => {
      clearInterval(timer);
      stopping.abort();
      // BullMQ would wait for a lost connection.
      const done = untilLost(redis).then(() => Promise.allSettled([underWay]));
      await Promise.race([worker.close(), done]);
      redis.disconnect();
    },
  };
}

/** Says the same as all other workers; a job that waits for its time goes on waiting. */
async function schedule(queue: Queue): Promise<void> {
  for (const [name, { everyMs }] of Object.entries(housekeepingJobs)) {
    await queue.upsertJobScheduler(name, { every: everyMs }, { name, opts: JOB });
  }
}

async function addAtStart(queue: Queue, clock: Clock): Promise<void> {
  for (const [name, { isDoneAtStart }] of Object.entries(housekeepingJobs)) {
    const jobId = `${name}-at-start`;
    const start = { ...JOB, jobId, delay: AFTER_START_MS, timestamp: clock.now() };
    if (isDoneAtStart) await queue.add(name, null, start);
  }
}

function isJob(name: string): name is HousekeepingJob {
  return Object.hasOwn(housekeepingJobs, name);
}
