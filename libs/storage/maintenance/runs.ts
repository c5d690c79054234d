import pg from 'pg';
import type { Queryable } from '../database/queryable.js';
import { queryRecords, selectList } from '../database/records.js';

/** Runs kept per job, in addition to its latest success. */
const RUNS_KEPT = 50;

export interface Run {
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  outcome: 'done' | 'failed';
  /** The job's result, or the error code of a failure. */
  detail: object;
}

export interface JobState {
  job: string;
  lastRun: Run;
  lastSuccessAt: string | null;
  /** Failed runs since the last success. */
  failures: number;
}

const RUN = selectList<Run>({
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  durationMs: '(extract(epoch FROM finished_at - started_at) * 1000)::float8',
  outcome: 'outcome',
  detail: 'detail',
});

/** Runs a job and records the outcome. Rethrows the job's error after recording it. */
export async function recordRun(
  database: Queryable,
  run: { job: string; startedAt: Date; signal: AbortSignal },
  work: () => Promise<object>,
): Promise<Run> {
  try {
    return await record(database, run, { outcome: 'done', detail: await work() });
  } catch (error) {
    if (!run.signal.aborted) {
      await record(database, run, { outcome: 'failed', detail: { code: codeOf(error) } });
    }
    throw error;
  }
}

export async function readStates(database: Queryable): Promise<JobState[]> {
  const states = await queryRecords<Run & Omit<JobState, 'lastRun'>>(
    database,
    `SELECT DISTINCT ON (job) job, ${RUN}, s.success AS "lastSuccessAt",
            (SELECT count(*)::int FROM housekeeping_run f WHERE f.job = r.job
                AND f.outcome = 'failed' AND (s.success IS NULL OR f.finished_at > s.success)) AS failures
       FROM housekeeping_run r
       LEFT JOIN (SELECT job, max(finished_at) AS success FROM housekeeping_run
                   WHERE outcome = 'done' GROUP BY job) s USING (job)
      ORDER BY job, started_at DESC`,
  );
  return states.map(({ job, lastSuccessAt, failures, ...lastRun }) => {
    return { job, lastRun, lastSuccessAt, failures };
  });
}

async function record(
  database: Queryable,
  { job, startedAt }: { job: string; startedAt: Date },
  { outcome, detail }: Pick<Run, 'outcome' | 'detail'>,
): Promise<Run> {
  const [run] = await queryRecords<Run>(
    database,
    `INSERT INTO housekeeping_run (job, started_at, finished_at, outcome, detail)
     VALUES ($1, $2, clock_timestamp(), $3, $4)
     ON CONFLICT (job, started_at) DO UPDATE SET outcome = excluded.outcome RETURNING ${RUN}`,
    [job, startedAt, outcome, JSON.stringify(detail)],
  );
  await database.query(
    `DELETE FROM housekeeping_run r WHERE job = $1
        AND started_at < (SELECT started_at FROM housekeeping_run WHERE job = $1
                           ORDER BY started_at DESC OFFSET ${RUNS_KEPT - 1} LIMIT 1)
        AND started_at IS DISTINCT FROM (SELECT max(started_at) FROM housekeeping_run
                                          WHERE job = $1 AND outcome = 'done')`,
    [job],
  );
  return run as Run;
}

/** An error message may quote row data; a code never does. */
function codeOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return error.code ?? 'database';
  return error instanceof Error ? error.name : 'unknown';
}
