import type pg from 'pg';
import { LONGEST_SILENCE, OF_DAY, OF_INSTALLATIONS, valuesOf, type DaySum } from './day-sum.js';
import { eventSums } from './event-sums.js';
import { fleetSum, metricSum, stateSums } from './state-sums.js';

/** The parts that are refreshed apart, by their numbers in rollup_stale. */
const PARTS: ReadonlyMap<number, readonly DaySum[]> = new Map([
  [1, [fleetSum]],
  [2, [...stateSums, ...eventSums]],
  [3, [metricSum]],
]);

export const partNumbers = [...PARTS.keys()];

/** All tables of sums. */
export const daySumTables = [...PARTS.values()].flat().map(({ table }) => table);

/** The first day that is summed up: those before would lack whoever was last there before what is kept. */
export const FIRST_SUMMED_DAY = `(SELECT days_since + ${LONGEST_SILENCE} FROM rollup_state)`;

/**
 * Sums up a day anew from the rows of its installations. In a transaction that holds the lock of
 * refreshes and has taken away the mark.
 */
export async function refreshDaySums(tx: pg.ClientBase, day: string, part: number): Promise<void> {
  for (const sum of PARTS.get(part) ?? []) await tx.query(refreshing(sum), [day]);
}

/**
 * Takes installations out of the sums of all their days, which are still there. In a transaction that
 * holds the lock of refreshes, in which their days go as well. Days that are to be summed up anew
 * anyhow are left to that, and marked are those of which no part can be taken out.
 */
export async function takeOutOfDaySums(
  tx: pg.ClientBase,
  installationIds: readonly string[],
): Promise<void> {
  for (const [part, sums] of PARTS) {
    for (const sum of sums) {
      const text = sum.ranks ? marking(sum) : lessening(sum);
      await tx.query(text, [installationIds, part]);
    }
  }
}

const of = (alias: string, names: readonly string[]) =>
  names.map((name) => `${alias}.${name}`).join(', ');

/** Writes the rows that have changed, and no others, for most of a day's sums stay as they are. */
function refreshing(sum: DaySum): string {
  const { table, key, select } = sum;
  const values = valuesOf(sum);
  const columns = ['day', ...key, ...values].join(', ');
  return `
    WITH fresh (${columns}) AS MATERIALIZED (${select(OF_DAY)}),
    removed AS (
      DELETE FROM ${table} t
       WHERE t.day = $1 AND (${of('t', key)}) NOT IN (SELECT ${key.join(', ')} FROM fresh))
    INSERT INTO ${table} AS t (${columns})
    SELECT ${columns} FROM fresh
        ON CONFLICT (day, ${key.join(', ')}) DO UPDATE
       SET ${values.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
     WHERE (${of('t', values)}) IS DISTINCT FROM (${of('EXCLUDED', values)})`;
}

const IS_MARKED = 'EXISTS (SELECT FROM rollup_stale s WHERE s.day = theirs.day AND s.part = $2)';

/** A row goes with its last installation. A total of which hardly anything is left is summed up anew. */
function lessening(sum: DaySum): string {
  const { table, key, counts, totals = [], select } = sum;
  const columns = ['day', ...key, ...valuesOf(sum)].join(', ');
  const isSame = `(${of('t', ['day', ...key])}) = (${of('d', ['day', ...key])})`;
  const isAll = `(${of('t', counts)}) = (${of('d', counts)})`;
  const isRounded = totals.map((name) => `abs(t.${name}) < 1e-4 * abs(d.${name})`).join(' OR ');
  return `
    WITH theirs (${columns}) AS MATERIALIZED (${select(OF_INSTALLATIONS)}),
    due AS MATERIALIZED (SELECT * FROM theirs WHERE NOT ${IS_MARKED}),
    emptied AS (DELETE FROM ${table} t USING due d WHERE ${isSame} AND ${isAll}),
    lessened AS (
      UPDATE ${table} t
         SET ${[...counts, ...totals].map((name) => `${name} = t.${name} - d.${name}`).join(', ')}
        FROM due d WHERE ${isSame} AND NOT ${isAll}
      RETURNING t.day, ${isRounded || 'false'} AS is_rounded)
    INSERT INTO rollup_stale (day, part)
    SELECT DISTINCT day, $2::smallint FROM lessened WHERE is_rounded ON CONFLICT DO NOTHING`;
}

function marking({ select }: DaySum): string {
  return `
    INSERT INTO rollup_stale (day, part)
    SELECT DISTINCT theirs.day, $2::smallint
      FROM (${select(OF_INSTALLATIONS)}) AS theirs (day) ON CONFLICT DO NOTHING`;
}
