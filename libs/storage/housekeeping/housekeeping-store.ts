import pg from 'pg';
import { packIndexes, type CompactionOptions, type CompactionResult } from './compaction.js';
import { collectOrphans } from './orphans.js';
import { applyRetention, type RetentionOptions, type RetentionResult } from './retention.js';
import { readStates, recordRun, type JobState, type Run } from './runs.js';

/** Any constant of our own: each job has a lock beside it. */
const JOB_LOCK = 7205;

export interface HousekeepingStoreOptions {
  databaseUrl: string;
  onIdleError?: (error: Error) => void;
}

/** What the store does for itself, and the record of it. */
export class HousekeepingStore {
  readonly #pool: pg.Pool;

  constructor({ databaseUrl, onIdleError }: HousekeepingStoreOptions) {
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: 3, // the lock of a job, its work, and whoever asks or stops it
      keepAlive: true,
      application_name: 'muster-housekeeping',
      connectionTimeoutMillis: 10_000,
      options: '-c idle_in_transaction_session_timeout=30s -c work_mem=64MB',
    });
    this.#pool.on('error', (error) => onIdleError?.(error));
    // While a connection is in use, its end is the error of the statement under way.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /**
   * Does a job and records how it went, unless another worker is doing it. A job that was told to end
   * leaves no record.
   * @returns the run; null where there was none
   */
  async run(job: string, signal: AbortSignal, work: () => Promise<object>): Promise<Run | null> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query<{ is_mine: boolean; now: Date }>(
        'SELECT pg_try_advisory_lock($1, hashtext($2)) AS is_mine, clock_timestamp() AS now',
        [JOB_LOCK, job],
      );
      if (!rows[0]?.is_mine) return null;
      try {
        return await recordRun(client, { job, startedAt: rows[0].now, signal }, work);
      } finally {
        await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', [JOB_LOCK, job]);
      }
    });
  }

  /** Lets go of what has expired. Is ended soon by its signal, and may be run again. */
  async applyRetention(options: RetentionOptions): Promise<RetentionResult> {
    return this.#untilAborted(options.signal, (client) => applyRetention(client, options));
  }

  /** Collects contents and origins that nothing points at. @returns how many rows went, by table */
  async collectOrphans(signal: AbortSignal): Promise<Record<string, number>> {
    return this.#untilAborted(signal, (client) => collectOrphans(client, signal));
  }

  /** Packs the indexes of months that are over. Is ended soon by its signal, and may be run again. */
  async compact(options: CompactionOptions): Promise<CompactionResult> {
    return this.#untilAborted(options.signal, (client) => packIndexes(client, options));
  }

  /** How every job stands that has been done. */
  async states(): Promise<JobState[]> {
    return readStates(this.#pool);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** Cancels the statement under way when it is to end: one may wait for minutes, or take them. */
  async #untilAborted<T>(
    signal: AbortSignal,
    work: (client: pg.PoolClient) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    return this.#withClient(async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const cancel = () =>
        void this.#pool
          .query('SELECT pg_cancel_backend($1)', [rows[0]?.pid])
          .catch(() => undefined); // then it ends with its statement
      signal.addEventListener('abort', cancel);
      try {
        return await work(client);
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    });
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}
