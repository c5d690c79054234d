/** A table of a day's sums: what tells its rows, what they hold, and how that is read from installation_day. */
export interface DaySum {
  table: string;
  /** After the day. */
  key: readonly string[];
  /** The part of the key that no sender chooses. Apart from the product, everything else is a name or a version. */
  classes?: readonly string[];
  /** What the key decides. */
  facts?: readonly string[];
  /** Whole numbers: what an installation has added to them can be taken out again. */
  counts: readonly string[];
  /** Sums of figures: the same, but for what rounding has swallowed. */
  totals?: readonly string[];
  /** Of these no part can be taken out. */
  ranks?: readonly string[];
  /** The columns are the day, then those of key, facts, counts, totals and ranks, in that order. */
  select: (of: Scope) => string;
}

/** Which days of installations are summed up: conditions on a row `d`, and what `$1` is in them. */
export interface Scope {
  days: string;
  /** Days after which an installation counts as silent on one of these; see `SILENT`. */
  lastDays: string;
}

/** After how many days without anything an installation of a row `d` counts as silent; `c` is its cadence. */
export const SILENT = 'coalesce(c.silent_after_days, 3)';
/** The same for the product with the longest such time. */
export const LONGEST_SILENCE = '(SELECT greatest(3, max(silent_after_days)) FROM product_cadence)';

const OF_PRODUCT = '($2::text IS NULL OR d.product = $2)';

/** All installations on the day `$1`; those of the product `$2` where it is not null. */
export const OF_DAY: Scope = {
  days: `d.day = $1::date AND ${OF_PRODUCT}`,
  lastDays: `d.day BETWEEN $1::date - ${LONGEST_SILENCE} AND $1 AND d.day = $1 - ${SILENT} AND ${OF_PRODUCT}`,
};

/** All days of the installations `$1`. */
export const OF_INSTALLATIONS: Scope = {
  days: 'd.installation_id = ANY ($1::uuid[])',
  lastDays: 'd.installation_id = ANY ($1::uuid[])',
};

/** The columns of a row besides the day and the key. */
export function valuesOf({ facts = [], counts, totals = [], ranks = [] }: DaySum): string[] {
  return [...facts, ...counts, ...totals, ...ranks];
}

/** Sums must not overflow, whatever an agent sends: a figure counts for no more than this. */
export const clamped = (figure: string) => `greatest(-1e290, least(1e290, ${figure}))`;
