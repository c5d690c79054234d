import type { DaySum } from './day-sum.js';

/**
 * The most rows that a table has of a product and day. A fleet whose clusters list 2,500 packages has these in
 * 20 versions; one write key could send a million names a minute.
 */
const MOST_ROWS = 50_000;
/** Replaces names and versions that are counted together. */
const OTHERS = `'*'`;

/** The columns of a key whose values senders choose. */
function namesOf({ key, classes = [] }: DaySum): string[] {
  return key.filter((column) => column !== 'product' && !classes.includes(column));
}

/**
 * A statement's rows (with the columns of the table), where a product has too many: those that most
 * installations have stay, in the order of their keys where several have as many, and all others
 * become one. So what is kept depends on the day's reports only, and not on their order. Their counts are
 * added up: an installation counts once for each name. `place` is greater than the limit in the rows that are folded.
 */
export function folded(sum: DaySum, each: string): string {
  const { key, facts = [], counts, totals = [], ranks = [] } = sum;
  const names = namesOf(sum);
  const [first = ''] = counts;
  const columns = ['day', ...key, ...facts, ...counts, ...totals, ...ranks];
  const rest = ['day', ...key.filter((column) => !names.includes(column))];
  const combined = columns.map((column) => {
    if (names.includes(column) || column === facts[0]) return OTHERS;
    if (rest.includes(column)) return column;
    if (facts.includes(column)) return `''`;
    if (!ranks.includes(column)) return `sum(${column})`;
    return RANKS[column] ?? 'NULL::double precision';
  });
  return `
    WITH each_row (${columns.join(', ')}) AS (${each}),
    ranked AS MATERIALIZED (
      SELECT *, row_number() OVER (PARTITION BY product ORDER BY ${first} DESC, ${key.join(', ')}) AS place
        FROM each_row)
    SELECT ${columns.join(', ')} FROM ranked WHERE place <= ${MOST_ROWS}
     UNION ALL
    SELECT ${combined.join(', ')} FROM ranked WHERE place > ${MOST_ROWS} GROUP BY ${rest.join(', ')}`;
}

/** Of several figures there is no median. */
const RANKS: Readonly<Record<string, string>> = {
  least: 'min(least)',
  greatest: 'max(greatest)',
};

/**
 * The part of some installations in a table: where it has no row of a key, they were counted with the others.
 * @param theirs a relation with the columns of the table
 */
export function foldedAsIn(sum: DaySum, theirs: string): string {
  const { table, key, counts, totals = [] } = sum;
  const names = namesOf(sum);
  const mapped = key.map((column) =>
    names.includes(column)
      ? `CASE WHEN k.day IS NULL THEN ${OTHERS} ELSE i.${column} END AS ${column}`
      : `i.${column}`,
  );
  const isSame = ['day', ...key].map((column) => `k.${column} = i.${column}`).join(' AND ');
  const sums = [...counts, ...totals].map((column) => `sum(i.${column}) AS ${column}`);
  const groups = [1, ...key.map((_, index) => index + 2)];
  return `
    SELECT i.day, ${mapped.join(', ')}, ${sums.join(', ')}
      FROM ${theirs} i LEFT JOIN ${table} k ON ${isSame}
     GROUP BY ${groups.join(', ')}`;
}
