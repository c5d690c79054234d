import type pg from 'pg';
import { daySumTables, FIRST_SUMMED_DAY } from './day-sums.js';
import { LONGEST_SILENCE, SILENT } from './day-sum.js';
import { withRollupLock } from './lock.js';

/**
 * Removes the sums of all days before `cutoffDay` (such as 2026-11-28), and the installations' days behind them. The
 * latter stay for the longest silence more, since the remaining sums need them to determine which installations
 * returned or went silent. Oldest days first, in short transactions.
 * @returns the number of removed rows by table
 */
export async function removeExpiredDays(
  client: pg.ClientBase,
  { cutoffDay, signal }: { cutoffDay: string; signal: AbortSignal },
): Promise<Record<string, number>> {
  const { rows } = await client.query<{ day: string }>(
    // The removal of the last day may have been interrupted.
    `SELECT day::date::text FROM generate_series(
       (SELECT coalesce((SELECT days_since - 1 FROM rollup_state), min(day)) FROM fleet_day),
       $1::date - ${LONGEST_SILENCE} - 1, interval '1 day') AS day`,
    [cutoffDay],
  );
  const removed: Record<string, number> = {};
  for (const { day } of rows) await removeDay(client, { day, signal, removed });
  if (rows.length > 0) await removeExpiredSums(client, { signal, removed });
  return removed;
}

/** Rows per transaction, which is also how long an erasure may have to wait. */
const ROWS_PER_TRANSACTION = 20_000;

interface Removal {
  signal: AbortSignal;
  removed: Record<string, number>;
}

async function removeDay(
  client: pg.ClientBase,
  { day, signal, removed }: Removal & { day: string },
): Promise<void> {
  // Comes first: from then on, lives keep their first day, however many of their days are already removed.
  await withRollupLock(client, () =>
    client.query(
      'UPDATE rollup_state SET days_since = $1::date + 1 WHERE days_since IS NULL OR days_since <= $1',
      [day],
    ),
  );
  for (const [table, text] of [
    ['installation_day_events', DELETE_EVENTS],
    ['installation_day', DELETE_DAYS],
  ] as const) {
    for (let rows = ROWS_PER_TRANSACTION; rows === ROWS_PER_TRANSACTION;) {
      signal.throwIfAborted();
      rows = await withRollupLock(client, async () => {
        await client.query('SET LOCAL muster.sums_are_corrected = on');
        return (await client.query(text, [day])).rowCount ?? 0;
      });
      addCount(removed, table, rows);
    }
  }
}

const DELETE_SOME = (table: string, where: string) => `
  DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ${table} WHERE ${where} LIMIT ${ROWS_PER_TRANSACTION}))`;
const DELETE_EVENTS = DELETE_SOME('installation_day_events', 'day = $1::date');
const DELETE_DAYS = `
  WITH gone AS (${DELETE_SOME('installation_day', 'day = $1::date')} RETURNING installation_id, product),
  shortened AS (
    UPDATE installation_life l
       SET active_days = l.active_days - 1, returns = l.returns - g.was_back::int
      FROM (SELECT gone.*, coalesce(n.day - $1 > ${SILENT}, false) AS was_back
              FROM gone LEFT JOIN product_cadence c USING (product)
             CROSS JOIN LATERAL (
                   SELECT min(d.day) AS day FROM installation_day d
                    WHERE d.installation_id = gone.installation_id AND d.product = gone.product
                      AND d.day > $1) n) g
     WHERE l.installation_id = g.installation_id AND l.product = g.product)
  SELECT FROM gone`;

const DAYS_SINCE = '(SELECT days_since FROM rollup_state)';
const EXPIRED = [
  ...daySumTables.map((table) => ({ table, where: `day < ${FIRST_SUMMED_DAY}` })),
  { table: 'installation_upgrade', where: `previous_day < ${DAYS_SINCE}` },
  { table: 'installation_life', where: `last_day < ${DAYS_SINCE}` },
  { table: 'installation_latest', where: `(observed_at AT TIME ZONE 'UTC')::date < ${DAYS_SINCE}` },
];

async function removeExpiredSums(client: pg.ClientBase, { signal, removed }: Removal) {
  for (const { table, where } of EXPIRED) {
    for (let rows = ROWS_PER_TRANSACTION; rows === ROWS_PER_TRANSACTION;) {
      signal.throwIfAborted();
      const { rowCount } = await withRollupLock(client, () =>
        client.query(DELETE_SOME(table, where)),
      );
      rows = rowCount ?? 0;
      addCount(removed, table, rows);
    }
  }
}

function addCount(removed: Record<string, number>, table: string, rows: number | null): void {
  if (rows) removed[table] = (removed[table] ?? 0) + rows;
}
