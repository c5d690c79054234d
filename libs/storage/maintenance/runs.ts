import pg from 'pg';
import type { Queryable } from '../database/database.js';

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

interface RunRow {
  started_at: Date;
  finished_at: Date;
  outcome: 'done' | 'failed';
  detail: object;
}

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
  const { rows } = await database.query<
    RunRow & { job: string; success: Date | null; fails: number }
  >(
    `SELECT DISTINCT ON (r.job) r.*, s.success,
            (SELECT count(*)::int FROM housekeeping_run f WHERE f.job = r.job
                AND f.outcome = 'failed' AND (s.success IS NULL OR f.finished_at > s.success)) AS fails
       FROM housekeeping_run r
       LEFT JOIN (SELECT job, max(finished_at) AS success FROM housekeeping_run
                   WHERE outcome = 'done' GROUP BY job) s USING (job)
      ORDER BY r.job, r.started_at DESC`,
  );
  return rows.map((row) => ({
    job: row.job,
    lastRun: toRun(row),
    lastSuccessAt: row.success?.toISOString() ?? null,
    failures: row.fails,
  }));
}

async function record(
  database: Queryable,
  { job, startedAt }: { job: string; startedAt: Date },
  { outcome, detail }: Pick<Run, 'outcome' | 'detail'>,
): Promise<Run> {
  const { rows } = await database.query<RunRow>(
    `INSERT INTO housekeeping_run (job, started_at, finished_at, outcome, detail)
     VALUES ($1, $2, clock_timestamp(), $3, $4)
     ON CONFLICT (job, started_at) DO UPDATE SET outcome = excluded.outcome RETURNING *`,
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
  return toRun(rows[0] as RunRow);
}

function toRun({ started_at, finished_at, outcome, detail }: RunRow): Run {
  return {
    startedAt: started_at.toISOString(),
    finishedAt: finished_at.toISOString(),
    durationMs: finished_at.getTime() - started_at.getTime(),
    ...{ outcome, detail },
  };
}

/** An error message may quote row data; a code never does. */
function codeOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) return error.code ?? 'database';
  return error instanceof Error ? error.name : 'unknown';
}
