import type pg from 'pg';

export interface Discarded {
  count: number;
  /** The highest number among them; null where there were none. */
  lastId: string | null;
}

/**
 * Removes some quarantined events and what is kept of them, in their order. Takes no lock that it would
 * have to wait for: what somebody else has just locked is about to go, or is looked at again later.
 * @param condition of `quarantined_event`, with these values
 */
export async function discardSome(
  client: pg.ClientBase,
  condition: string,
  values: readonly unknown[],
  { orderBy, limit }: { orderBy: 'quarantine_id' | 'received_at'; limit: number },
): Promise<Discarded> {
  const { rows } = await client.query<{ count: number; last: string | null }>(
    `WITH picked AS (
       SELECT quarantine_id, installation_id, event_key, received_at FROM quarantined_event
        WHERE ${condition} ORDER BY ${orderBy} LIMIT ${limit} FOR UPDATE SKIP LOCKED),
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
