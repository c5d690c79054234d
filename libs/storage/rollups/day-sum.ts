/** A table of daily sums: its columns by role, and how they are computed from installation_day. */
export interface DaySum {
  table: string;
  /** The primary key without the day. */
  key: readonly string[];
  /** Key columns with a bounded set of values. The others, except the product, are names and versions that senders choose. */
  classes?: readonly string[];
  /** Columns that depend on the key only. */
  facts?: readonly string[];
  /** Integers, from which an installation's share can be subtracted exactly. */
  counts: readonly string[];
  /** Sums of floating-point values, from which a share can be subtracted up to rounding. */
  totals?: readonly string[];
  /** Order statistics, from which nothing can be subtracted. */
  ranks?: readonly string[];
  /** Yields the day, then key, facts, counts, totals and ranks, in that order. */
  select: (of: Scope) => string;
}

/** Conditions on a row `d` of installation_day that select the days to sum up. Each scope defines `$1`. */
export interface Scope {
  days: string;
  /** Selects the last days of installations that count as silent on one of these days; see `SILENT`. */
  lastDays: string;
}

/** Days without a report after which an installation counts as silent; `c` is its product's cadence. */
export const SILENT = 'coalesce(c.silent_after_days, 3)';
/** The highest such number of any product. */
export const LONGEST_SILENCE = '(SELECT greatest(3, max(silent_after_days)) FROM product_cadence)';

const OF_PRODUCT = '($2::text IS NULL OR d.product = $2)';

/** All installations on the day `$1`, or those of the product `$2` if it is not null. */
export const OF_DAY: Scope = {
  days: `d.day = $1::date AND ${OF_PRODUCT}`,
  lastDays: `d.day BETWEEN $1::date - ${LONGEST_SILENCE} AND $1 AND d.day = $1 - ${SILENT} AND ${OF_PRODUCT}`,
};

/** All days of the installations `$1`. */
export const OF_INSTALLATIONS: Scope = {
  days: 'd.installation_id = ANY ($1::uuid[])',
  lastDays: 'd.installation_id = ANY ($1::uuid[])',
};

/** All columns except the day and the key. */
export function valuesOf({ facts = [], counts, totals = [], ranks = [] }: DaySum): string[] {
  return [...facts, ...counts, ...totals, ...ranks];
}

/** Clamps a value so that sums cannot overflow, whatever an agent sends. */
export const clamped = (figure: string) => `greatest(-1e290, least(1e290, ${figure}))`;
