import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ENVELOPES, type RedisConnections } from './connection.js';
import type { Clock } from './store-clock.js';
import { createStoreTimeBackend } from './store-time-backend.js';
import { QueueUnavailable } from './unavailable.js';
import { withTimeout } from './with-timeout.js';

/** The lasting states of a job. Completed jobs are removed. */
const states = ['waiting', 'active', 'delayed', 'failed'] as const;

/** Jobs by state. Delayed jobs failed and wait for a retry. */
export type JobCounts = Record<(typeof states)[number], number>;

export interface QueueStatus {
  /** Jobs not yet stored. A job contains up to several hundred events. */
  depth: number;
  counts: JobCounts;
  /** Age of the oldest job, in milliseconds; null if the queue is empty. */
  oldestJobAgeMs: number | null;
}

/** A job that failed permanently. */
export interface FailedJob {
  id: string;
  failedAt: string | null;
  reason: string;
  attempts: number;
}

const ANSWER_MS = 1500;
/** A few thousand jobs a second are moved. */
const RETRY_MS = 20_000;
/** Jobs read at each end of the list to find the oldest. Waiting jobs are sorted by age, except for retried ones. */
const LOOKED_AT = 2000;
/** Jobs whose fields are read at once. */
const PAGE = 500;

/** Inspects the queue. It never reads the contents of jobs, except of those that it retries by id. */
export class QueueInspector {
  readonly #redis: Redis;
  readonly #clock: Clock;
  /** For the dashboard. Removing a job loses acknowledged events. */
  readonly queue: Queue;

  constructor(redis: RedisConnections, clock: Clock) {
    this.#clock = clock;
    this.#redis = redis.failFast;
    this.queue = redis.queue(ENVELOPES, this.#redis, createStoreTimeBackend(clock));
  }

  /** Checks that Redis responds. @throws QueueUnavailable */
  async check(limitMs = ANSWER_MS): Promise<void> {
    await this.#ask(() => this.#redis.ping(), limitMs);
  }

  /** @throws QueueUnavailable */
  async status(now = this.#clock.now()): Promise<QueueStatus> {
    return this.#ask(async () => {
      const found = await this.queue.getJobCounts(...states);
      const counts = Object.fromEntries(
        states.map((state) => [state, found[state] ?? 0]),
      ) as JobCounts;
      const oldest = await this.#oldestTimestamp();
      return {
        depth: counts.waiting + counts.active + counts.delayed,
        counts,
        oldestJobAgeMs: oldest === null ? null : Math.max(0, now - oldest),
      };
    });
  }

  /** Failed jobs, newest first. @throws QueueUnavailable */
  async failed(limit: number): Promise<FailedJob[]> {
    return this.#ask(async () => {
      const ids = await this.queue.getRanges(['failed'], 0, limit - 1);
      const jobs = await this.#fieldsOf(ids, ['finishedOn', 'failedReason', 'atm']);
      return jobs.flatMap(({ id, fields: [finishedOn, reason, attempts] }) =>
        reason == null
          ? [] // retried in the meantime
          : [{ id, failedAt: toTime(finishedOn), reason, attempts: Number(attempts ?? 0) }],
      );
    });
  }

  /**
   * Retries failed jobs: all, or those with these ids. Other ids are skipped.
   * @returns the number of jobs that are retried
   * @throws QueueUnavailable, possibly after some jobs were queued
   */
  async retry(ids?: readonly string[]): Promise<number> {
    return this.#ask(async () => {
      if (ids) return this.#retryEach(ids);
      const failed = await this.queue.getFailedCount();
      await this.queue.retryJobs({ state: 'failed', timestamp: this.#clock.now() });
      return failed;
    }, RETRY_MS);
  }

  async #retryEach(ids: readonly string[]): Promise<number> {
    let retried = 0;
    for (const id of new Set(ids)) {
      // Only ids of failed jobs: another key of the queue is no job, whatever it holds.
      const failed = await this.#redis.zscore(this.queue.toKey('failed'), id);
      const job = failed === null ? undefined : await this.queue.getJob(id);
      if (!job) continue;
      await job.retry('failed');
      retried += 1;
    }
    return retried;
  }

  async #oldestTimestamp(): Promise<number | null> {
    const lists = await Promise.all([
      this.queue.getRanges(['waiting'], 0, LOOKED_AT - 1, true),
      this.queue.getRanges(['waiting'], 0, LOOKED_AT - 1, false),
      this.queue.getRanges(['delayed'], 0, LOOKED_AT - 1, true),
      this.queue.getRanges(['active'], 0, LOOKED_AT - 1, true),
    ]);
    const jobs = await this.#fieldsOf([...new Set(lists.flat())], ['timestamp']);
    const timestamps = jobs.map(({ fields: [timestamp] }) => Number(timestamp ?? Infinity));
    const oldest = timestamps.reduce((least, it) => Math.min(least, it), Infinity);
    return Number.isFinite(oldest) ? oldest : null;
  }

  /** Fields of jobs by the names that BullMQ gives them in Redis. `Job.fromId` would fetch the data, too. */
  async #fieldsOf(ids: readonly string[], names: readonly string[]) {
    const found: { id: string; fields: (string | null)[] }[] = [];
    for (let start = 0; start < ids.length; start += PAGE) {
      const page = ids.slice(start, start + PAGE);
      const pipeline = this.#redis.pipeline();
      for (const id of page) pipeline.hmget(this.queue.toKey(id), ...names);
      const answers = (await pipeline.exec()) ?? [];
      for (const [index, [error, fields]] of answers.entries()) {
        if (error) throw error;
        found.push({ id: page[index] ?? '', fields: fields as (string | null)[] });
      }
    }
    return found;
  }

  /** Fails immediately while Redis is unavailable. */
  async #ask<T>(question: () => Promise<T>, limitMs = ANSWER_MS): Promise<T> {
    if (this.#redis.status !== 'ready') throw unreachable();
    try {
      return await withTimeout(question(), limitMs);
    } catch (cause) {
      throw cause instanceof QueueUnavailable ? cause : unreachable(cause);
    }
  }
}

function unreachable(cause?: unknown): QueueUnavailable {
  return new QueueUnavailable('unreachable', 'Redis cannot be reached.', { cause });
}

function toTime(milliseconds: string | null | undefined): string | null {
  return milliseconds == null ? null : new Date(Number(milliseconds)).toISOString();
}
