/** A table of a day's sums: what tells its rows, what they hold, and how that is read from installation_day. */
export interface DaySum {
  table: string;
  /** After the day. */
  key: readonly string[];
  values: readonly string[];
  /** With the day as `$1`; the columns are those of key and values, in that order. */
  select: string;
}

/** Sums must not overflow, whatever an agent sends: a figure counts for no more than this. */
export const clamped = (figure: string) => `greatest(-1e290, least(1e290, ${figure}))`;
