import { type Queue, Worker } from 'bullmq';
import { MAINTENANCE, untilLost, type RedisConnections } from './connection.js';
import type { Clock } from './store-clock.js';
import { createStoreTimeBackend } from './store-time-backend.js';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * The maintenance jobs and their intervals. Each run is done by one worker. Jobs that depend on settings also run
 * soon after a worker has started.
 */
export const maintenanceJobs = {
  partitions: { everyMs: HOUR_MS, isDoneAtStart: false },
  retention: { everyMs: DAY_MS, isDoneAtStart: true },
  orphans: { everyMs: DAY_MS, isDoneAtStart: false },
  compaction: { everyMs: DAY_MS, isDoneAtStart: false },
  'quarantine-retention': { everyMs: HOUR_MS, isDoneAtStart: false },
  rollups: { everyMs: 60 * SECOND_MS, isDoneAtStart: true },
} as const satisfies Record<string, { everyMs: number; isDoneAtStart: boolean }>;

export type MaintenanceJob = keyof typeof maintenanceJobs;

export interface MaintenanceOptions {
  /** The clock of the schedule. */
  clock: Clock;
  /** Called for every error that is not a job's, a lost connection among them. */
  onError: (error: Error) => void;
  /** Called for a failed job. It runs again at its next scheduled time. */
  onFailure: (job: string, error: Error) => void;
}

export interface MaintenanceRunner {
  /** Takes no more jobs and stops the running one. */
  close(): Promise<void>;
}

/** Workers that start within this time share one job. */
const AFTER_START_MS = 5 * SECOND_MS;
/** How often schedules are restored, in case Redis has lost its data. */
const SCHEDULE_CHECK_MS = 600 * SECOND_MS;
/** Jobs are removed when they end, because the database has their results. */
const JOB = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;
/** The job of a worker that was killed is taken by another one within some ten seconds. */
const LOCKS = {
  ...{ lockDuration: 10_000, stalledInterval: 2000, maxStalledCount: 1_000_000_000 },
  runRetryDelay: 250,
} as const;

/**
 * Runs maintenance jobs, one at a time. Redis gives each job to one of all workers. `handle` must end soon after its
 * signal is aborted.
 */
export function runMaintenance(
  connections: RedisConnections,
  options: MaintenanceOptions,
  handle: (job: MaintenanceJob, signal: AbortSignal) => Promise<void>,
): MaintenanceRunner {
  const { patient: redis, prefix } = connections;
  const inStoreTime = createStoreTimeBackend(options.clock);
  const queue = connections.queue(MAINTENANCE, redis, inStoreTime);
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  const worker = new Worker(
    MAINTENANCE,
    async ({ name }) => {
      // A newer version may have more jobs.
      if (!isJob(name)) return;
      running = handle(name, stopping.signal);
      await running;
    },
    { ...LOCKS, connection: redis, prefix, concurrency: 1 },
    inStoreTime,
  );
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
      const done = untilLost(redis).then(() => Promise.allSettled([running]));
      await Promise.race([worker.close(), done]);
    },
  };
}

/** Idempotent, because every worker does it: a job that is already scheduled stays scheduled. */
async function schedule(queue: Queue): Promise<void> {
  for (const [name, { everyMs }] of Object.entries(maintenanceJobs)) {
    await queue.upsertJobScheduler(name, { every: everyMs }, { name, opts: JOB });
  }
}

async function addAtStart(queue: Queue, clock: Clock): Promise<void> {
  for (const [name, { isDoneAtStart }] of Object.entries(maintenanceJobs)) {
    const jobId = `${name}-at-start`;
    const start = { ...JOB, jobId, delay: AFTER_START_MS, timestamp: clock.now() };
    if (isDoneAtStart) await queue.add(name, null, start);
  }
}

function isJob(name: string): name is MaintenanceJob {
  return Object.hasOwn(maintenanceJobs, name);
}
