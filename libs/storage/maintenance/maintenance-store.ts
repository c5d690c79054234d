import type pg from 'pg';
import type { Database } from '../database/database.js';
import { withLease } from '../database/lease.js';
import { packIndexes, type CompactionOptions, type CompactionResult } from './compaction.js';
import { collectOrphans } from './orphans.js';
import { applyRetention, type RetentionOptions, type RetentionResult } from './retention.js';
import { readStates, recordRun, type JobState, type Run } from './runs.js';

/**
 * Sorts and joins of maintenance are larger than others, and a pass over a fleet's month may take hours. An
 * analyst's question holds its locks for five minutes at most; what takes longer, such as a dump, is not
 * waited for.
 */
const SETTINGS = { work_mem: '64MB', statement_timeout: 0, lock_timeout: 10 * 60_000 };

/** What the store does for itself, and the record of it. */
export class HousekeepingStore {
  constructor(private readonly database: Database) {}

  /**
   * Does a job and records how it went, unless another worker is doing it. A job that was told to end
   * leaves no record.
   * @returns the run; null where there was none
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

  /** Lets go of what has expired. Is ended soon by its signal, and may be run again. */
  async applyRetention(options: RetentionOptions): Promise<RetentionResult> {
    return this.#untilAborted(options.signal, (client) =>
      applyRetention(client, this.database, options),
    );
  }

  /** Collects contents and origins that nothing points at. @returns how many rows went, by table */
  async collectOrphans(signal: AbortSignal): Promise<Record<string, number>> {
    return this.#untilAborted(signal, (client) => collectOrphans(client, signal));
  }

  /** Packs the indexes of months that are over. Is ended soon by its signal, and may be run again. */
  async compact(options: CompactionOptions): Promise<CompactionResult> {
    return this.#untilAborted(options.signal, (client) =>
      packIndexes(client, this.database, options),
    );
  }

  /** How every job stands that has been done. */
  async states(): Promise<JobState[]> {
    return readStates(this.database);
  }

  /** Cancels the statement under way when it is to end: one may wait for minutes, or take them. */
  async #untilAborted<T>(
    signal: AbortSignal,
    work: (client: pg.ClientBase) => Promise<T>,
  ): Promise<T> {
    return this.database.hold(work, { signal, settings: SETTINGS, name: 'maintenance' });
  }
}
