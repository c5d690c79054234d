import type pg from 'pg';
import { daySumTables, FIRST_SUMMED_DAY } from './day-sums.js';
import { LONGEST_SILENCE, SILENT } from './day-sum.js';
import { locked } from './lock.js';

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
    // The last one that was begun may not have been finished.
    `SELECT day::date::text FROM generate_series(
       (SELECT coalesce((SELECT days_since - 1 FROM rollup_state), min(day)) FROM fleet_day),
       $1::date - ${LONGEST_SILENCE} - 1, interval '1 day') AS day`,
    [until],
  );
  const removed: Record<string, number> = {};
  for (const { day } of rows) await forgetDay(client, { day, signal, removed });
  if (rows.length > 0) await forgetSums(client, { signal, removed });
  return removed;
}

/** Rows that one transaction removes: an erasure waits for no more than that. */
const ROWS_AT_ONCE = 20_000;

interface Forgetting {
  signal: AbortSignal;
  removed: Record<string, number>;
}

async function forgetDay(
  client: pg.ClientBase,
  { day, signal, removed }: Forgetting & { day: string },
): Promise<void> {
  // First of all: lives keep what they know from days before this, however far the removal has come.
  await locked(client, () =>
    client.query(
      'UPDATE rollup_state SET days_since = $1::date + 1 WHERE days_since IS NULL OR days_since <= $1',
      [day],
    ),
  );
  for (const [table, text] of [
    ['installation_day_events', FORGET_EVENTS],
    ['installation_day', FORGET_INSTALLATIONS],
  ] as const) {
    for (let rows = ROWS_AT_ONCE; rows === ROWS_AT_ONCE;) {
      signal.throwIfAborted();
      rows = await locked(client, async () => {
        await client.query('SET LOCAL muster.sums_are_corrected = on');
        return (await client.query(text, [day])).rowCount ?? 0;
      });
      count(removed, table, rows);
    }
  }
}

const SOME_OF = (table: string, where: string) => `
  DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ${table} WHERE ${where} LIMIT ${ROWS_AT_ONCE}))`;
const FORGET_EVENTS = SOME_OF('installation_day_events', 'day = $1::date');
const FORGET_INSTALLATIONS = `
  WITH gone AS (${SOME_OF('installation_day', 'day = $1::date')} RETURNING installation_id, product),
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
const OLD = [
  ...daySumTables.map((table) => ({ table, where: `day < ${FIRST_SUMMED_DAY}` })),
  { table: 'installation_upgrade', where: `previous_day < ${DAYS_SINCE}` },
  { table: 'installation_life', where: `last_day < ${DAYS_SINCE}` },
  { table: 'installation_latest', where: `(observed_at AT TIME ZONE 'UTC')::date < ${DAYS_SINCE}` },
];

async function forgetSums(client: pg.ClientBase, { signal, removed }: Forgetting) {
  for (const { table, where } of OLD) {
    for (let rows = ROWS_AT_ONCE; rows === ROWS_AT_ONCE;) {
      signal.throwIfAborted();
      const { rowCount } = await locked(client, () => client.query(SOME_OF(table, where)));
      rows = rowCount ?? 0;
      count(removed, table, rows);
    }
  }
}

function count(removed: Record<string, number>, table: string, rows: number | null): void {
  if (rows) removed[table] = (removed[table] ?? 0) + rows;
}
