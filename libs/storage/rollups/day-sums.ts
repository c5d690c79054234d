import type pg from 'pg';
import { LONGEST_SILENCE, OF_DAY, OF_INSTALLATIONS, valuesOf, type DaySum } from './day-sum.js';
import { folded, foldedAsIn } from './fold.js';
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

/** The first day that is summed up. Earlier days would lack installations whose last day is no longer kept. */
export const FIRST_SUMMED_DAY = `(SELECT days_since + ${LONGEST_SILENCE} FROM rollup_state)`;

/** The sums of a part. */
export function sumsOf(part: number): readonly DaySum[] {
  return PARTS.get(part) ?? [];
}

/**
 * Sums up a day again from the rows of its installations, of all products or of one. In a transaction that
 * holds the lock of refreshes.
 */
export async function refreshDaySum(
  tx: pg.ClientBase,
  sum: DaySum,
  { day, product = null }: { day: string; product?: string | null },
): Promise<void> {
  await tx.query(refreshing(sum), [day, product]);
}

/**
 * Subtracts installations from the sums of all their days, which still exist. The transaction holds the lock of
 * refreshes and removes these days afterwards. Days that will be summed up again anyway are left alone; days from which
 * no part can be subtracted are marked.
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

/**
 * Writes the rows that have changed, and no others, since most of a day's sums stay as they are. Those that
 * are gone are found by grouping and removed by their place: whatever the planner believes about a day that
 * it has no statistics of, it cannot compare each row with each.
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
                SELECT NULL, ${key.join(', ')} FROM fresh) both_sides
         GROUP BY ${key.join(', ')} HAVING count(*) = count(place))))
    INSERT INTO ${table} AS t (${columns})
    SELECT ${columns} FROM fresh
        ON CONFLICT (day, ${key.join(', ')}) DO UPDATE
       SET ${values.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
     WHERE (${of('t', values)}) IS DISTINCT FROM (${of('EXCLUDED', values)})`;
}

const IS_MARKED = 'EXISTS (SELECT FROM rollup_stale m WHERE m.day = theirs.day AND m.part = $2)';
/** A refresh that is summing up the day meanwhile sees by the revision that it has to do so again. */
const MARK_AGAIN =
  'ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1';

/** A row is removed with its last installation. A total that has become very small is summed up again. */
function lessening(sum: DaySum): string {
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
    lessened AS (
      UPDATE ${table} t
         SET ${[...counts, ...totals].map((name) => `${name} = t.${name} - d.${name}`).join(', ')}
        FROM due d WHERE ${isSame} AND NOT ${isAll}
      RETURNING t.day, ${isRounded || 'false'} AS is_rounded)
    INSERT INTO rollup_stale AS s (day, part)
    SELECT day, $2::smallint FROM lessened WHERE is_rounded
     UNION SELECT day, $2 FROM theirs WHERE ${IS_MARKED} ${MARK_AGAIN}`;
}

function marking({ select }: DaySum): string {
  return `
    INSERT INTO rollup_stale AS s (day, part)
    SELECT DISTINCT theirs.day, $2::smallint
      FROM (${select(OF_INSTALLATIONS)}) AS theirs (day) ${MARK_AGAIN}`;
}
