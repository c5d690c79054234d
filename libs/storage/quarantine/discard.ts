import type pg from 'pg';

export interface Discarded {
  count: number;
  /** The highest number among them; null where there were none. */
  lastId: string | null;
}

/**
 * Removes some quarantined events and their originals, in order of id. Never waits for a lock: rows that another
 * transaction has locked are about to be removed, or are handled later.
 * @param condition of `quarantined_event`, with these values
 */
export async function discardSome(
  client: pg.ClientBase,
  condition: string,
  values: readonly unknown[],
  limit: number,
): Promise<Discarded> {
  const { rows } = await client.query<{ count: number; last: string | null }>(
    `WITH picked AS (
       SELECT quarantine_id, installation_id, event_key, received_at FROM quarantined_event
        WHERE ${condition} ORDER BY quarantine_id LIMIT ${limit} FOR UPDATE SKIP LOCKED),
     gone AS (
       DELETE FROM quarantined_event q USING picked p WHERE q.quarantine_id = p.quarantine_id),
     locked AS (
       SELECT o.installation_id, o.event_key, o.received_at FROM original_event o
         JOIN picked USING (installation_id, event_key, received_at) FOR UPDATE OF o SKIP LOCKED),
     originals AS (
       DELETE FROM original_event o USING locked l
        WHERE o.installation_id = l.installation_id AND o.event_key = l.event_key
          AND o.received_at = l.received_at)
     SELECT count(*)::int AS count, max(quarantine_id) AS last FROM picked`,
    [...values],
  );
  const { count = 0, last = null } = rows[0] ?? {};
  return { count, lastId: last };
}

/** Rows that are looked at in one statement. */
const STRETCH = 20_000;

/**
 * Removes what was received more than so many days ago, a stretch of the table at a time.
 * @returns how many events
 */
export async function discardExpired(client: pg.ClientBase, days: number): Promise<number> {
  let removed = 0;
  for (let from = '0'; ;) {
    const { rows } = await client.query<{ last: string | null }>(
      `SELECT max(quarantine_id) AS last FROM (
         SELECT quarantine_id FROM quarantined_event WHERE quarantine_id > $1
          ORDER BY quarantine_id LIMIT ${STRETCH}) AS stretch`,
      [from],
    );
    const to = rows[0]?.last ?? null;
    if (to === null) return removed;
    const condition =
      'quarantine_id > $1 AND quarantine_id <= $2 AND received_at < now() - make_interval(days => $3)';
    removed += (await discardSome(client, condition, [from, to, days], STRETCH)).count;
    from = to;
  }
}
