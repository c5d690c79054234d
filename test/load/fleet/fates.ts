import type pg from 'pg';

/** A table of arriving events: product, id, event_key, at, observed_at, kind, v. */
type Arriving = 'arriving' | 'arriving_others';

/** Adds a quarantined event for every report whose key has the value 2 in these bits. */
export async function addQuarantined(
  client: pg.ClientBase,
  table: Arriving,
  bits: number,
): Promise<void> {
  await client.query(
    `WITH kept AS (
       INSERT INTO original_event (installation_id, event_key, received_at, envelope)
       SELECT id, event_key + 1, at, json_build_object('product', product, 'event', 'cluster_check',
              'installationId', id, 'properties', json_build_object('checks', '[text]', 'count', 3))
         FROM ${table} WHERE event_key & ${bits} = 2)
     INSERT INTO quarantined_event (installation_id, event_key, received_at, observed_at, product, event,
                                    reason, path, version)
     SELECT id, event_key + 1, at, observed_at, product, 'cluster_check', 'unknown_event', 'event', ''
       FROM ${table} WHERE event_key & ${bits} = 2`,
  );
}

/**
 * Adds the arriving events to the balance, and events of every other fate: one for each report
 * whose key has the fate's number in these bits.
 */
export async function addTally(
  client: pg.ClientBase,
  table: Arriving,
  bits: number,
): Promise<void> {
  await client.query(
    `INSERT INTO ingest_tally (product, hour, shard, accepted, stored, duplicate, quarantined, suppressed, empty, blocked)
     SELECT product, hour, 0, stored + duplicate + quarantined + suppressed + empty + blocked, stored, duplicate,
            quarantined, suppressed, empty, blocked
       FROM (SELECT product, date_trunc('hour', at) AS hour, count(*) AS stored,
                    count(*) FILTER (WHERE event_key & ${bits} = 1) AS duplicate,
                    count(*) FILTER (WHERE event_key & ${bits} = 2) AS quarantined,
                    count(*) FILTER (WHERE event_key & ${bits} = 3) AS suppressed,
                    count(*) FILTER (WHERE event_key & ${bits} = 4) AS empty,
                    count(*) FILTER (WHERE event_key & ${bits} = 5) AS blocked
               FROM ${table} GROUP BY product, date_trunc('hour', at)) AS booked
         ON CONFLICT (product, hour, shard) DO UPDATE
        SET accepted = ingest_tally.accepted + EXCLUDED.accepted, stored = ingest_tally.stored + EXCLUDED.stored,
            duplicate = ingest_tally.duplicate + EXCLUDED.duplicate,
            quarantined = ingest_tally.quarantined + EXCLUDED.quarantined,
            suppressed = ingest_tally.suppressed + EXCLUDED.suppressed,
            empty = ingest_tally.empty + EXCLUDED.empty, blocked = ingest_tally.blocked + EXCLUDED.blocked`,
  );
}
