import type { DaySum } from './day-sum.js';

/**
 * Maximum number of rows per product and day in a table: enough for 2,500 packages in 20 versions. Without a limit,
 * one write key could add a million names a minute.
 */
const MAX_ROWS = 50_000;
/** Replaces the names and versions of folded rows. */
const OTHERS = `'*'`;

/** The columns of a key whose values senders choose. */
function namesOf({ key, classes = [] }: DaySum): string[] {
  return key.filter((column) => column !== 'product' && !classes.includes(column));
}

/**
 * Limits a statement's rows (with the columns of the table) per product: keeps those with the most installations,
 * ties in key order, and folds all others into one row. So the result depends on the day's reports only, not on their
 * order. The counts of folded rows are added up, so an installation counts once per folded name.
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
    SELECT ${columns.join(', ')} FROM ranked WHERE place <= ${MAX_ROWS}
     UNION ALL
    SELECT ${combined.join(', ')} FROM ranked WHERE place > ${MAX_ROWS} GROUP BY ${rest.join(', ')}`;
}

/** Ranks that can be combined. The median of several medians is unknown. */
const RANKS: Readonly<Record<string, string>> = {
  least: 'min(least)',
  greatest: 'max(greatest)',
};

/**
 * Maps some installations' sums to the rows of a table that contain them: the folded row where a key has no row.
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
