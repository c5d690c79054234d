import type pg from 'pg';

const DAY_MS = 86_400_000;
/** A page view may be the repetition of one that came so long before, on the day before. */
const REPETITION_MS = 2000;

/**
 * Marks the days of observations (in milliseconds since 1970) whose reports a transaction adds or takes
 * away: the next refresh reads those days again. To be called in that transaction, by all who insert or
 * delete reports or what belongs to them, but not by those who drop the reports of a time (they raise
 * `retention_floor`), nor by erasures (a day's other installations stay as they are).
 */
export async function markChanges(tx: pg.ClientBase, observedAt: readonly number[]): Promise<void> {
  if (observedAt.length === 0) return;
  const days = new Set<number>();
  for (const time of observedAt) {
    days.add(Math.floor(time / DAY_MS)).add(Math.floor((time + REPETITION_MS) / DAY_MS));
  }
  await tx.query({
    name: 'mark-changes',
    text: `INSERT INTO rollup_change SELECT date '1970-01-01' + d FROM unnest($1::integer[]) AS d`,
    values: [[...days]],
  });
}
