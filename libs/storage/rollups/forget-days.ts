import type pg from 'pg';
import { daySumTables, FIRST_SUMMED_DAY } from './day-sums.js';
import { LONGEST_SILENCE, SILENT } from './day-sum.js';
import { locked } from './refresh.js';

/**
 * Lets go of the sums of all days before `until` (as 2026-11-28), and of what they are made of: days of
 * installations stay for as much longer as an installation may be silent, so that of those that are kept it
 * is known who came back and who fell silent. The oldest days go first, each in a transaction.
 * @returns how many rows went, by table
 */
export async function forgetDays(
  client: pg.ClientBase,
  { until, signal }: { until: string; signal: AbortSignal },
): Promise<Record<string, number>> {
  const { rows } = await client.query<{ day: string }>(
    `SELECT day::date::text FROM generate_series(
       (SELECT coalesce((SELECT days_since FROM rollup_state), min(day)) FROM fleet_day),
       $1::date - ${LONGEST_SILENCE} - 1, interval '1 day') AS day`,
    [until],
  );
  const removed: Record<string, number> = {};
  for (const { day } of rows) {
    signal.throwIfAborted();
    await locked(client, () => forgetDay(client, day, removed));
  }
  if (rows.length > 0) await locked(client, () => forgetSums(client, removed));
  return removed;
}

async function forgetDay(tx: pg.ClientBase, day: string, removed: Record<string, number>) {
  await tx.query('SET LOCAL muster.sums_are_corrected = on');
  await remove(tx, removed, { table: 'installation_day_events', where: 'day = $1' }, [day]);
  const { rowCount } = await tx.query(
    `WITH gone AS (DELETE FROM installation_day WHERE day = $1 RETURNING installation_id, product),
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
     SELECT FROM gone`,
    [day],
  );
  count(removed, 'installation_day', rowCount);
  await tx.query('UPDATE rollup_state SET days_since = $1::date + 1', [day]);
}

const DAYS_SINCE = '(SELECT days_since FROM rollup_state)';
const OLD = [
  ...daySumTables.map((table) => ({ table, where: `day < ${FIRST_SUMMED_DAY}` })),
  { table: 'installation_upgrade', where: `previous_day < ${DAYS_SINCE}` },
  { table: 'installation_life', where: `last_day < ${DAYS_SINCE}` },
  { table: 'installation_latest', where: `(observed_at AT TIME ZONE 'UTC')::date < ${DAYS_SINCE}` },
];

async function forgetSums(tx: pg.ClientBase, removed: Record<string, number>): Promise<void> {
  for (const old of OLD) await remove(tx, removed, old);
}

async function remove(
  tx: pg.ClientBase,
  removed: Record<string, number>,
  { table, where }: { table: string; where: string },
  parameters: unknown[] = [],
): Promise<void> {
  const { rowCount } = await tx.query(`DELETE FROM ${table} WHERE ${where}`, parameters);
  count(removed, table, rowCount);
}

function count(removed: Record<string, number>, table: string, rows: number | null): void {
  if (rows) removed[table] = (removed[table] ?? 0) + rows;
}
