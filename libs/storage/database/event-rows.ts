import type pg from 'pg';

/** The tables with rows of a stored event, in addition to its report. */
export const partsOfAnEvent = [
  'resource_reading',
  'ui_reading',
  'consent_event',
  'defect',
  'original_event',
];

/** Installation, event key and receive time of events, each as a column. */
export type EventKeyColumns = readonly [string[], string[], string[]];

/** Removes the rows that events have in some tables. @returns how many, by table */
export async function removeEventRows(
  client: pg.ClientBase,
  tables: readonly string[],
  keys: EventKeyColumns,
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  for (const table of tables) {
    const { rowCount } = await client.query(
      `DELETE FROM ${table} t
        USING unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS k(id, event_key, received_at)
        WHERE t.installation_id = k.id AND t.event_key = k.event_key
          AND t.received_at = k.received_at`,
      [...keys],
    );
    removed[table] = rowCount ?? 0;
  }
  return removed;
}
