import type pg from 'pg';

const DAY_MS = 86_400_000;
/** A page view shortly after midnight may repeat one from the day before. */
const REPETITION_MS = 2000;

/**
 * Marks days as dirty, so that the next refresh reads them again. Every transaction that inserts or deletes reports, or
 * rows that belong to them, must call this. Exceptions: retention raises `retention_floor` instead, and erasures do not
 * change a day's other installations.
 * @param observedAt times of the reports, in milliseconds since 1970
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
