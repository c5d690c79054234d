import type pg from 'pg';
import type { Database } from '../database/database.js';
import { withLease } from '../database/lease.js';
import { compactIndexes, type CompactionOptions, type CompactionResult } from './compaction.js';
import { collectOrphans } from './orphans.js';
import { applyRetention, type RetentionOptions, type RetentionResult } from './retention.js';
import { readStates, recordRun, type JobState, type Run } from './runs.js';

/**
 * Maintenance sorts and joins more rows than other work, and a pass over a fleet's month may take hours. The lock
 * timeout exceeds the 5 minutes of an analyst's query; maintenance does not wait for longer ones, such as a dump.
 */
const SETTINGS = { work_mem: '64MB', statement_timeout: 0, lock_timeout: 10 * 60_000 };

/** Runs maintenance jobs and records their runs. */
export class MaintenanceStore {
  constructor(private readonly database: Database) {}

  /**
   * Runs a job and records the run. An aborted job leaves no record.
   * @returns null if another worker is running the job
   */
  async run(
    job: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<object>,
  ): Promise<Run | null> {
    const done = await withLease(this.database, `job ${job}`, (lost, startedAt) => {
      const until = AbortSignal.any([signal, lost]);
      return recordRun(this.database, { job, startedAt, signal: until }, () => work(until));
    });
    return done?.result ?? null;
  }

  /** Removes expired data. Stops soon after its signal aborts; can be run again. */
  async applyRetention(options: RetentionOptions): Promise<RetentionResult> {
    return this.#untilAborted(options.signal, (client) =>
      applyRetention(client, this.database, options),
    );
  }

  /** Removes unreferenced snapshots and origins. @returns the number of removed rows by table */
  async collectOrphans(signal: AbortSignal): Promise<Record<string, number>> {
    return this.#untilAborted(signal, (client) => collectOrphans(client, signal));
  }

  /** Compacts the indexes of past months. Stops soon after its signal aborts; can be run again. */
  async compact(options: CompactionOptions): Promise<CompactionResult> {
    return this.#untilAborted(options.signal, (client) =>
      compactIndexes(client, this.database, options),
    );
  }

  /** The state of every job that has run at least once. */
  async states(): Promise<JobState[]> {
    return readStates(this.database);
  }

  /** An abort cancels the current statement, which could take or wait for minutes. */
  async #untilAborted<T>(
    signal: AbortSignal,
    work: (client: pg.ClientBase) => Promise<T>,
  ): Promise<T> {
    return this.database.hold(work, { signal, settings: SETTINGS, name: 'maintenance' });
  }
}
