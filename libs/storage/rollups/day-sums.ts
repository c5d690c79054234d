import type pg from 'pg';
import { LONGEST_SILENCE, OF_DAY, OF_INSTALLATIONS, valuesOf, type DaySum } from './day-sum.js';
import { folded, foldedAsIn } from './fold.js';
import { eventSums } from './event-sums.js';
import { fleetSum, metricSum, stateSums } from './state-sums.js';

/** Groups of sums that become stale and are refreshed together, by `rollup_stale.part`. */
const PARTS: ReadonlyMap<number, readonly DaySum[]> = new Map([
  [1, [fleetSum]],
  [2, [...stateSums, ...eventSums]],
  [3, [metricSum]],
]);

export const partNumbers = [...PARTS.keys()];

export const daySumTables = [...PARTS.values()].flat().map(({ table }) => table);

/** The first day with sums. On earlier days, installations whose last day has expired would be missing. */
export const FIRST_SUMMED_DAY = `(SELECT days_since + ${LONGEST_SILENCE} FROM rollup_state)`;

export function sumsOf(part: number): readonly DaySum[] {
  return PARTS.get(part) ?? [];
}

/**
 * Recomputes a day's sums of all products or one. The transaction must hold the rollup lock.
 */
export async function refreshDaySum(
  tx: pg.ClientBase,
  sum: DaySum,
  { day, product = null }: { day: string; product?: string | null },
): Promise<void> {
  await tx.query(refreshing(sum), [day, product]);
}

/**
 * Subtracts installations from the sums of all their days. The transaction must hold the rollup lock, and remove the
 * installations' days afterwards. Stale days are left alone; days with sums that do not allow subtraction become stale.
 */
export async function subtractFromDaySums(
  tx: pg.ClientBase,
  installationIds: readonly string[],
): Promise<void> {
  for (const [part, sums] of PARTS) {
    for (const sum of sums) {
      const text = sum.ranks ? marking(sum) : subtracting(sum);
      await tx.query(text, [installationIds, part]);
    }
  }
}

const of = (alias: string, names: readonly string[]) =>
  names.map((name) => `${alias}.${name}`).join(', ');

/**
 * Writes only rows that have changed, since most of a day's sums stay the same. Obsolete rows are found by grouping and
 * deleted by ctid, so that the planner cannot choose a nested loop for a day without statistics.
 */
export function refreshing(sum: DaySum): string {
  const { table, key, select } = sum;
  const values = valuesOf(sum);
  const columns = ['day', ...key, ...values].join(', ');
  return `
    WITH fresh (${columns}) AS MATERIALIZED (${folded(sum, select(OF_DAY))}),
    removed AS (
      DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
        SELECT min(place)
          FROM (SELECT ctid AS place, ${key.join(', ')} FROM ${table}
                 WHERE day = $1 AND ($2::text IS NULL OR product = $2)
                 UNION ALL
                SELECT NULL, ${key.join(', ')} FROM fresh) old_and_fresh
         GROUP BY ${key.join(', ')} HAVING count(*) = count(place))))
    INSERT INTO ${table} AS t (${columns})
    SELECT ${columns} FROM fresh
        ON CONFLICT (day, ${key.join(', ')}) DO UPDATE
       SET ${values.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
     WHERE (${of('t', values)}) IS DISTINCT FROM (${of('EXCLUDED', values)})`;
}

const IS_MARKED = 'EXISTS (SELECT FROM rollup_stale m WHERE m.day = theirs.day AND m.part = $2)';
/** The new revision makes a concurrent refresh of the day leave it marked, so that it is refreshed again. */
const MARK_STALE_AGAIN =
  'ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1';

/** Deletes rows whose last installation is subtracted. Days with a total that has become very small become stale. */
function subtracting(sum: DaySum): string {
  const { table, key, counts, totals = [], select } = sum;
  const columns = ['day', ...key, ...valuesOf(sum)].join(', ');
  const isSame = `(${of('t', ['day', ...key])}) = (${of('d', ['day', ...key])})`;
  const isAll = `(${of('t', counts)}) = (${of('d', counts)})`;
  const isRounded = totals.map((name) => `abs(t.${name}) < 1e-4 * abs(d.${name})`).join(' OR ');
  return `
    WITH theirs (${columns}) AS MATERIALIZED (${select(OF_INSTALLATIONS)}),
    unmarked AS MATERIALIZED (SELECT * FROM theirs WHERE NOT ${IS_MARKED}),
    due AS MATERIALIZED (${foldedAsIn(sum, 'unmarked')}),
    emptied AS (DELETE FROM ${table} t USING due d WHERE ${isSame} AND ${isAll}),
    reduced AS (
      UPDATE ${table} t
         SET ${[...counts, ...totals].map((name) => `${name} = t.${name} - d.${name}`).join(', ')}
        FROM due d WHERE ${isSame} AND NOT ${isAll}
      RETURNING t.day, ${isRounded || 'false'} AS is_rounded)
    INSERT INTO rollup_stale AS s (day, part)
    SELECT day, $2::smallint FROM reduced WHERE is_rounded
     UNION SELECT day, $2 FROM theirs WHERE ${IS_MARKED} ${MARK_STALE_AGAIN}`;
}

function marking({ select }: DaySum): string {
  return `
    INSERT INTO rollup_stale AS s (day, part)
    SELECT DISTINCT theirs.day, $2::smallint
      FROM (${select(OF_INSTALLATIONS)}) AS theirs (day) ${MARK_STALE_AGAIN}`;
}
