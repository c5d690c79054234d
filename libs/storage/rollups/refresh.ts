import type pg from 'pg';
import { daySumTables, partNumbers } from './day-sums.js';
import { refreshInstallationDays, type Piece } from './installation-days.js';
import { locked, yielding } from './lock.js';
import type { RefreshOptions } from './refresh-options.js';
import { refreshStale } from './stale-sums.js';

export interface RefreshResult {
  /** Days whose reports were read again. */
  days: number;
  /** Rows of installations and days that were other than before. */
  rows: number;
  durationMs: number;
}

/** A piece of a day that takes longer is halved. */
const PIECE_LIMIT_MS = 60_000;
/** The smallest piece is this part of a day. */
const MOST_PIECES = 4096;
/** How often the smallest piece is tried. */
const ATTEMPTS = 5;

/** A part of the refresh took too long. The rest of it is done; the next refresh tries that part again. */
export class RefreshIncomplete extends Error {
  override readonly name = 'RefreshIncomplete';
}

/**
 * Brings the rollups up to what had been committed when this was called. Of every marked day the marks
 * are taken away first, and then its reports are read with a later snapshot: what is committed in between
 * has left a mark that is still there. So the rollups are exact, however often this runs, is killed, or
 * meets another. The newest days come first. A day that takes too long costs no other.
 * @throws RefreshIncomplete
 */
export async function refresh(
  client: pg.ClientBase,
  options: RefreshOptions,
): Promise<RefreshResult> {
  const begin = await beginRefresh(client);
  const done = { days: 0, rows: 0 };
  let hasFailed = false;
  for (const day of begin.days) {
    if (options.signal?.aborted) return endRefresh(client, begin, done, false);
    const rows = await refreshDay(client, day, options);
    hasFailed ||= rows === null;
    done.rows += rows ?? 0;
    done.days += 1;
    options.onProgress?.({ step: 'installations', done: done.days, of: begin.days.length });
  }
  const outcome = await refreshStale(client, options);
  hasFailed ||= outcome === 'failed';
  const result = await endRefresh(client, begin, done, outcome === 'done' && !hasFailed);
  if (hasFailed) throw new RefreshIncomplete('A part of the refresh took too long.');
  return result;
}

/** Marks every day there is, so that the next refresh reads all reports and sums up all again. */
export async function markAll(client: pg.ClientBase): Promise<void> {
  await client.query(`
    INSERT INTO rollup_change
    SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM report
     UNION SELECT DISTINCT day FROM installation_day`);
  const days = ['installation_day', ...daySumTables].map((table) => `SELECT day FROM ${table}`);
  await client.query(`
    INSERT INTO rollup_stale AS s (day, part)
    SELECT day, part FROM (${days.join(' UNION ')}) d, unnest(ARRAY[${partNumbers.join()}]) AS part
        ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1`);
  for (let remainder = 0; remainder < MARKING_PIECES; remainder += 1) {
    await locked(client, () =>
      client.query(
        `UPDATE installation_life SET is_stale = true
          WHERE NOT is_stale AND uuid_hash(installation_id) & ${MARKING_PIECES - 1} = $1`,
        [remainder],
      ),
    );
  }
}

/** Lives are marked in this many transactions, so that an erasure waits for one of them only. */
const MARKING_PIECES = 16;

/**
 * In several steps, so that an erasure waits for the last one only, and that one yields to it.
 * @returns how many rows changed; null where a piece took too long
 */
async function refreshDay(
  client: pg.ClientBase,
  day: string,
  { signal, ask }: RefreshOptions,
): Promise<number | null> {
  await locked(client, () => client.query(TAKE_MARKS, [day]));
  let rows = 0;
  let attempts = 0;
  for (let piece = await nextPiece(client, day); piece; piece = await nextPiece(client, day)) {
    if (signal?.aborted) return rows;
    const limits = { ask, limitMs: PIECE_LIMIT_MS };
    const done = await yielding(client, limits, () => refreshPiece(client, piece));
    rows += done?.result ?? 0;
    if (done) attempts = 0;
    else if (piece.modulus < MOST_PIECES) await halve(client, piece);
    else if ((attempts += 1) >= ATTEMPTS) return null;
  }
  return rows;
}

async function nextPiece(client: pg.ClientBase, day: string): Promise<Piece | undefined> {
  const { rows } = await client.query<Piece>(
    `SELECT day::text, modulus, remainder FROM rollup_stale WHERE day = $1 AND part = 0
      ORDER BY modulus, remainder LIMIT 1`,
    [day],
  );
  return rows[0];
}

async function refreshPiece(client: pg.ClientBase, piece: Piece): Promise<number> {
  // So that no partition is dropped between the look at retention_floor and the one at its reports.
  await client.query('LOCK TABLE report, resource_reading, ui_reading IN ACCESS SHARE MODE');
  const noted = 'FROM rollup_stale WHERE day = $1 AND part = 0 AND modulus = $2 AND remainder = $3';
  const { day, modulus, remainder } = piece;
  const { rowCount } = await client.query(
    `SELECT ${noted} AND day >= coalesce((SELECT days_since FROM rollup_state), day)`,
    [day, modulus, remainder],
  );
  const rows = rowCount ? await refreshInstallationDays(client, piece) : 0;
  await client.query(`DELETE ${noted}`, [day, modulus, remainder]);
  return rows;
}

/** Halves all pieces of a day that are as large as this one: they would take as long. */
async function halve(client: pg.ClientBase, { day, modulus }: Piece): Promise<void> {
  await locked(client, () =>
    client.query(
      `WITH whole AS (
         DELETE FROM rollup_stale WHERE day = $1 AND part = 0 AND modulus = $2 RETURNING remainder)
       INSERT INTO rollup_stale (day, part, modulus, remainder)
       SELECT $1, 0, 2 * $2::integer, half
         FROM whole CROSS JOIN LATERAL unnest(ARRAY[remainder, remainder + $2::integer]) AS half
           ON CONFLICT DO NOTHING`,
      [day, modulus],
    ),
  );
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
