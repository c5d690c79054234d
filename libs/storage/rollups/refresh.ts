import type pg from 'pg';
import { daySumTables, partNumbers } from './day-sums.js';
import { refreshInstallationDays, type Piece } from './installation-days.js';
import { withRollupLock, withYieldingLock } from './lock.js';
import type { RefreshOptions } from './refresh-options.js';
import { refreshStale } from './stale-sums.js';

export interface RefreshResult {
  /** Days whose reports were read again. */
  days: number;
  /** Changed rows of installation_day. */
  rows: number;
  durationMs: number;
}

/** Pieces that take longer are halved. */
const PIECE_LIMIT_MS = 60_000;
/** A day is split into at most this many pieces. */
const MAX_PIECES = 4096;
/** Attempts for the smallest piece. */
const ATTEMPTS = 5;

/** A part of the refresh took too long. The rest is done, and the next refresh retries that part. */
export class RefreshIncomplete extends Error {
  override readonly name = 'RefreshIncomplete';
}

/**
 * Refreshes the rollups to include everything committed before the call. For each dirty day, first removes its marks
 * and then reads its reports with a later database snapshot, so a transaction that commits in between leaves a new
 * mark. The rollups are therefore exact even if refreshes are killed or run concurrently. Newest days first; a day that
 * takes too long does not prevent the others.
 * @throws RefreshIncomplete
 */
export async function refresh(
  client: pg.ClientBase,
  options: RefreshOptions,
): Promise<RefreshResult> {
  const start = await startRefresh(client);
  const done = { days: 0, rows: 0 };
  let hasFailed = false;
  for (const day of start.days) {
    if (options.signal?.aborted) return finishRefresh(client, start, done, false);
    const rows = await refreshDay(client, day, options);
    hasFailed ||= rows === null;
    done.rows += rows ?? 0;
    done.days += 1;
    options.onProgress?.({ step: 'installations', done: done.days, of: start.days.length });
  }
  const outcome = await refreshStale(client, options);
  hasFailed ||= outcome === 'failed';
  const result = await finishRefresh(client, start, done, outcome === 'done' && !hasFailed);
  if (hasFailed) throw new RefreshIncomplete('A part of the refresh took too long.');
  return result;
}

/** Marks all days and lives, so that the next refresh recomputes everything. */
export async function markEverything(client: pg.ClientBase): Promise<void> {
  await client.query(`
    INSERT INTO rollup_change
    SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM report
     UNION SELECT DISTINCT day FROM installation_day`);
  const days = ['installation_day', ...daySumTables].map((table) => `SELECT day FROM ${table}`);
  await client.query(`
    INSERT INTO rollup_stale AS s (day, part)
    SELECT day, part FROM (${days.join(' UNION ')}) d, unnest(ARRAY[${partNumbers.join()}]) AS part
        ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1`);
  for (let remainder = 0; remainder < MARKING_TRANSACTIONS; remainder += 1) {
    await withRollupLock(client, () =>
      client.query(
        `UPDATE installation_life SET is_stale = true
          WHERE NOT is_stale AND uuid_hash(installation_id) & ${MARKING_TRANSACTIONS - 1} = $1`,
        [remainder],
      ),
    );
  }
}

/** Lives are marked in this many transactions, so that an erasure waits for only one of them. */
const MARKING_TRANSACTIONS = 16;

/** Refreshes piece by piece, each yielding to erasures. @returns the number of changed rows; null if a piece took too long */
async function refreshDay(
  client: pg.ClientBase,
  day: string,
  { signal, sideQuery }: RefreshOptions,
): Promise<number | null> {
  await withRollupLock(client, () => client.query(CLAIM_MARKS, [day]));
  let rows = 0;
  let attempts = 0;
  for (let piece = await nextPiece(client, day); piece; piece = await nextPiece(client, day)) {
    if (signal?.aborted) return rows;
    const limits = { sideQuery, limitMs: PIECE_LIMIT_MS };
    const done = await withYieldingLock(client, limits, () => refreshPiece(client, piece));
    rows += done?.result ?? 0;
    if (done) attempts = 0;
    else if (piece.modulus < MAX_PIECES) await halve(client, piece);
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
  // Prevents that a partition is dropped after retention_floor is read and before its reports are.
  await client.query('LOCK TABLE report, resource_reading, ui_reading IN ACCESS SHARE MODE');
  const marks = 'FROM rollup_stale WHERE day = $1 AND part = 0 AND modulus = $2 AND remainder = $3';
  const { day, modulus, remainder } = piece;
  const { rowCount } = await client.query(
    `SELECT ${marks} AND day >= coalesce((SELECT days_since FROM rollup_state), day)`,
    [day, modulus, remainder],
  );
  const rows = rowCount ? await refreshInstallationDays(client, piece) : 0;
  await client.query(`DELETE ${marks}`, [day, modulus, remainder]);
  return rows;
}

/** Halves all pieces of this size of the day, since they would take as long. */
async function halve(client: pg.ClientBase, { day, modulus }: Piece): Promise<void> {
  await withRollupLock(client, () =>
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

const CLAIM_MARKS = `
  WITH taken AS (DELETE FROM rollup_change WHERE day = $1 RETURNING 1)
  INSERT INTO rollup_stale SELECT $1::date, 0 WHERE EXISTS (SELECT FROM taken)
      ON CONFLICT DO NOTHING`;

interface RefreshStart {
  at: string;
  days: string[];
}

async function startRefresh(client: pg.ClientBase): Promise<RefreshStart> {
  const { rows } = await client.query<RefreshStart>(
    `SELECT statement_timestamp()::text AS at, ARRAY(SELECT day::text FROM changed_days() AS c(day)
                                                  ORDER BY 1 DESC) AS days`,
  );
  const [start] = rows;
  if (!start) throw new Error('A SELECT without FROM returned no row.');
  return start;
}

/** Stores the duration, which delays the next refresh, and up to when the rollups are complete. */
async function finishRefresh(
  client: pg.ClientBase,
  { at }: RefreshStart,
  done: { days: number; rows: number },
  isComplete: boolean,
): Promise<RefreshResult> {
  const { rows } = await client.query<{ duration_ms: number }>(
    `UPDATE rollup_state
        SET complete_until = CASE WHEN $2 THEN greatest(complete_until, $1) ELSE complete_until END,
            refreshed_at = clock_timestamp(),
            duration_ms = date_part('epoch', clock_timestamp() - $1::timestamptz) * 1000
     RETURNING duration_ms`,
    [at, isComplete],
  );
  return { ...done, durationMs: rows[0]?.duration_ms ?? 0 };
}
