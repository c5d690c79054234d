import type pg from 'pg';
import { inTransaction } from '../database/transaction.js';
import { daySumTables, FIRST_SUMMED_DAY, partNumbers, refreshDaySums } from './day-sums.js';
import { refreshInstallationDays } from './installation-days.js';
import { refreshLives } from './lives.js';

/** Whoever refreshes holds it for a transaction; so does whoever deletes from installation_day. */
const ROLLUP_LOCK = 7_204_110_387;

export interface RefreshOptions {
  /** Ends the refresh after the day under way. */
  signal?: AbortSignal;
  /** Told after each day of each step. */
  onProgress?: (progress: RefreshProgress) => void;
}

export interface RefreshProgress {
  step: 'installations' | 'sums';
  done: number;
  of: number;
}

export interface RefreshResult {
  /** Days whose reports were read again. */
  days: number;
  /** Rows of installations and days that were other than before. */
  rows: number;
  durationMs: number;
}

/**
 * Brings the rollups up to what had been committed when this was called. Of every day that is marked the
 * marks are taken away first, and then its reports are read with a later snapshot: whatever is committed
 * in between has left a mark that is still there. So the rollups are exact, however often this runs, is
 * killed, or meets another. The newest days come first.
 */
export async function refresh(
  client: pg.ClientBase,
  options: RefreshOptions,
): Promise<RefreshResult> {
  const begin = await beginRefresh(client);
  let rows = 0;
  for (const [index, day] of begin.days.entries()) {
    if (options.signal?.aborted) return endRefresh(client, begin, { days: index, rows }, false);
    rows += await refreshDay(client, day);
    options.onProgress?.({ step: 'installations', done: index + 1, of: begin.days.length });
  }
  const isWhole = await refreshStale(client, options);
  return endRefresh(client, begin, { days: begin.days.length, rows }, isWhole);
}

/** Sums up what no longer is the sum of its installations' days. @returns whether all was done */
export async function refreshStale(
  client: pg.ClientBase,
  { signal, onProgress }: RefreshOptions = {},
): Promise<boolean> {
  for (let hasMore = true; hasMore;) {
    if (signal?.aborted) return false;
    hasMore = await locked(client, () => refreshLives(client));
  }
  await client.query(`DELETE FROM rollup_stale WHERE part > 0 AND day < ${FIRST_SUMMED_DAY}`);
  const { rows: stale } = await client.query<{ day: string; part: number }>(
    'SELECT day::text, part FROM rollup_stale WHERE part > 0 ORDER BY day DESC, part',
  );
  for (const [index, { day, part }] of stale.entries()) {
    if (signal?.aborted) return false;
    await locked(client, async () => {
      const noted = 'FROM rollup_stale WHERE day = $1 AND part = $2';
      const { rowCount } = await client.query(`SELECT ${noted}`, [day, part]);
      if (rowCount) await refreshDaySums(client, day, part);
      await client.query(`DELETE ${noted}`, [day, part]);
    });
    onProgress?.({ step: 'sums', done: index + 1, of: stale.length });
  }
  return true;
}

/** Marks every day there is, so that the next refresh reads all reports and sums up all anew. */
export async function markAll(client: pg.ClientBase): Promise<void> {
  await client.query(`
    INSERT INTO rollup_change
    SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM report
     UNION SELECT DISTINCT day FROM installation_day`);
  const days = ['installation_day', ...daySumTables].map((table) => `SELECT day FROM ${table}`);
  await locked(client, async () => {
    await client.query(`
      INSERT INTO rollup_stale SELECT day, part FROM (${days.join(' UNION ')}) d, unnest(ARRAY[${partNumbers.join()}]) AS part
          ON CONFLICT DO NOTHING`);
    await client.query('UPDATE installation_life SET is_stale = true');
  });
}

/** Keeps out, to the end of a transaction, refreshes and whoever removes days of installations. */
export async function lockRollups(tx: pg.ClientBase): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [ROLLUP_LOCK]);
}

/** A transaction that no other refresh, and nobody who removes days of installations, is in. */
export async function locked<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, async () => {
    await lockRollups(client);
    return work();
  });
}

/**
 * In two steps, so that the second writes only at its end: who waits for all that write (an erasure does)
 * would else wait for the whole reading. @returns how many rows changed
 */
async function refreshDay(client: pg.ClientBase, day: string): Promise<number> {
  await locked(client, () => client.query(TAKE_MARKS, [day]));
  return locked(client, async () => {
    // So that no partition is dropped between the look at retention_floor and the one at its reports.
    await client.query('LOCK TABLE report, resource_reading, ui_reading IN ACCESS SHARE MODE');
    const noted = 'FROM rollup_stale WHERE day = $1 AND part = 0';
    const { rowCount } = await client.query(
      `SELECT ${noted} AND day >= coalesce((SELECT days_since FROM rollup_state), day)`,
      [day],
    );
    const rows = rowCount ? await refreshInstallationDays(client, day) : 0;
    await client.query(`DELETE ${noted}`, [day]);
    return rows;
  });
}

const TAKE_MARKS = `
  WITH taken AS (DELETE FROM rollup_change WHERE day = $1 RETURNING 1)
  INSERT INTO rollup_stale SELECT $1::date, 0 WHERE EXISTS (SELECT FROM taken)
      ON CONFLICT DO NOTHING`;

interface RefreshBegin {
  at: string;
  days: string[];
}

async function beginRefresh(client: pg.ClientBase): Promise<RefreshBegin> {
  const { rows } = await client.query<RefreshBegin>(
    `SELECT statement_timestamp()::text AS at, ARRAY(SELECT day::text FROM changed_days() AS c(day)
                                                  ORDER BY 1 DESC) AS days`,
  );
  const [begin] = rows;
  if (!begin) throw new Error('A question without a table has one answer.');
  return begin;
}

/** Notes how long it took, by which the next one is delayed, and how far the rollups are complete. */
async function endRefresh(
  client: pg.ClientBase,
  { at }: RefreshBegin,
  done: { days: number; rows: number },
  isWhole: boolean,
): Promise<RefreshResult> {
  const { rows } = await client.query<{ duration_ms: number }>(
    `UPDATE rollup_state
        SET complete_until = CASE WHEN $2 THEN greatest(complete_until, $1) ELSE complete_until END,
            refreshed_at = clock_timestamp(),
            duration_ms = date_part('epoch', clock_timestamp() - $1::timestamptz) * 1000
     RETURNING duration_ms`,
    [at, isWhole],
  );
  return { ...done, durationMs: rows[0]?.duration_ms ?? 0 };
}
