import type pg from 'pg';
import type { AcceptedCount } from '#telemetry';
import type { Queryable } from '../database/queryable.js';

/** A queued batch, with its accepted events by product and hour. */
export interface Queued {
  batchId: string;
  accepted: readonly AcceptedCount[];
}

/** Acknowledged events of an hour that have no fate and are not queued. */
export interface LostEvents {
  product: string;
  hour: string;
  lost: number;
}

/** Acknowledged events of an hour. They are read before the queue. */
export interface Acknowledged {
  product: string;
  hour: Date;
  /** A bigint. */
  event_count: string;
  /** Whether events are missing that are not yet known to be lost, so they should be in the queue. */
  has_deficit: boolean;
}

/**
 * Acknowledged and accepted events by product and hour. An event that was accepted although its sender got a 503
 * counts on both sides, so it cannot hide a lost event.
 * @param acknowledged a relation with the columns product, hour and event_count
 */
const sidesOf = (acknowledged: string) => `
  SELECT a.product, a.hour, a.event_count, coalesce(u.event_count, 0) AS unconfirmed,
         coalesce((SELECT sum(t.accepted) FROM ingest_tally t
                    WHERE t.product = a.product AND t.hour = a.hour), 0) AS accepted
    FROM (${acknowledged}) a
    LEFT JOIN (SELECT product, hour, sum(event_count) AS event_count
                 FROM ingest_unconfirmed u
                WHERE EXISTS (SELECT FROM batch_receipt r
                               WHERE r.batch_id = u.batch_id AND r.gathered_at = u.gathered_at)
                GROUP BY product, hour) u USING (product, hour)`;

export async function readAcknowledged(database: Queryable): Promise<Acknowledged[]> {
  const sides = sidesOf(
    'SELECT product, hour, sum(event_count) AS event_count FROM ingest_acknowledged GROUP BY product, hour',
  );
  const { rows } = await database.query<Acknowledged>(
    `SELECT s.product, s.hour, s.event_count,
            s.event_count + s.unconfirmed - s.accepted > coalesce(e.lost, 0) AS has_deficit
       FROM (${sides}) s LEFT JOIN ingest_expected e USING (product, hour)`,
  );
  return rows;
}

/**
 * Computes and stores the lost events of each hour. Acknowledged events are read first, then the queue, and accepted
 * events now. An event that moves on in between is counted twice but never missed, so `lost` is never too high. The
 * highest value is kept until the hour is settled; then it is exact.
 */
export async function updateBalance(
  database: Queryable,
  acknowledged: readonly Acknowledged[],
  queued: readonly Queued[],
): Promise<void> {
  // Uses the given counts: another worker may have stored higher ones, whose events came after the queue was read.
  const sides = sidesOf(
    'SELECT * FROM unnest($5::text[], $6::timestamptz[], $7::bigint[]) AS k(product, hour, event_count)',
  );
  await database.query(
    `WITH queued AS (
       SELECT q.product, q.hour, sum(q.event_count) AS event_count
         FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[])
           AS q(batch_id, product, hour, event_count)
        WHERE NOT EXISTS (SELECT FROM ingest_unconfirmed u WHERE u.batch_id = q.batch_id)
        GROUP BY 1, 2)
     INSERT INTO ingest_expected AS e (product, hour, acknowledged, queued, lost, is_settled)
     SELECT s.product, s.hour, s.event_count, coalesce(q.event_count, 0),
            greatest(s.event_count + s.unconfirmed - s.accepted - coalesce(q.event_count, 0), 0),
            s.hour < now() - interval '65 minutes' AND q.event_count IS NULL
       FROM (${sides}) s LEFT JOIN queued q USING (product, hour)
      ORDER BY s.product, s.hour
     ON CONFLICT (product, hour) DO UPDATE
        SET acknowledged = excluded.acknowledged, queued = excluded.queued,
            is_settled = excluded.is_settled,
            lost = CASE WHEN excluded.is_settled THEN excluded.lost
                        ELSE greatest(e.lost, excluded.lost) END
      -- Workers may write in another order than they read.
      WHERE e.acknowledged <= excluded.acknowledged
        AND ((e.acknowledged, e.queued, e.is_settled)
               IS DISTINCT FROM (excluded.acknowledged, excluded.queued, excluded.is_settled)
             OR e.lost < excluded.lost OR (e.lost > excluded.lost AND excluded.is_settled))`,
    [
      ...toColumns(queued),
      acknowledged.map(({ product }) => product),
      acknowledged.map(({ hour }) => hour.toISOString()),
      acknowledged.map(({ event_count }) => event_count),
    ],
  );
}

/** Marks new losses as reported. @returns each of them to one caller only */
export async function takeNewLosses(database: Queryable): Promise<LostEvents[]> {
  const { rows } = await database.query<{ product: string; hour: Date; lost: string }>(
    `UPDATE ingest_expected SET reported = lost WHERE lost > reported RETURNING product, hour, lost`,
  );
  return rows.map(({ product, hour, lost }) => ({
    ...{ product, hour: hour.toISOString(), lost: Number(lost) },
  }));
}

/** Longer than announcements live in Redis; see ANNOUNCED_MS. */
const FOLD_AFTER = '96 hours';
/** A frozen worker may still store counts that it read earlier, so recently announced rows stay. */
const IS_OLD = `hour < now() - interval '${FOLD_AFTER}' AND announced_at < now() - interval '1 hour'`;
const NIL_LIFE = '00000000-0000-0000-0000-000000000000';

export async function foldOldHours(tx: pg.ClientBase): Promise<void> {
  await tx.query(
    `WITH settled AS (
       SELECT product, hour FROM ingest_acknowledged JOIN ingest_expected e USING (product, hour)
        WHERE e.is_settled GROUP BY 1, 2 HAVING bool_and(${IS_OLD})),
     removed AS (
       DELETE FROM ingest_unconfirmed u WHERE u.hour < now() - interval '${FOLD_AFTER}'
          AND EXISTS (SELECT FROM settled s WHERE s.product = u.product AND s.hour = u.hour))
     DELETE FROM ingest_acknowledged a USING settled s WHERE s.product = a.product AND s.hour = a.hour`,
  );
  const key = 'hour, product, code, route, dialect, key_hint, agent';
  await tx.query(
    `WITH old AS (
       DELETE FROM ingest_refusal WHERE ${IS_OLD} AND life_id <> '${NIL_LIFE}' RETURNING *)
     INSERT INTO ingest_refusal AS r (life_id, ${key}, requests, events)
     SELECT '${NIL_LIFE}', ${key}, sum(requests), sum(events) FROM old GROUP BY ${key} ORDER BY ${key}
     ON CONFLICT (${key}, life_id) DO UPDATE
        SET requests = r.requests + excluded.requests, events = r.events + excluded.events`,
  );
}

function toColumns(queued: readonly Queued[]): [string[], string[], string[], number[]] {
  const rows = queued.flatMap(({ batchId, accepted }) =>
    accepted.map((count) => ({ batchId, ...count })),
  );
  return [
    rows.map(({ batchId }) => batchId),
    rows.map(({ product }) => product),
    rows.map(({ hour }) => new Date(hour).toISOString()),
    rows.map(({ count }) => count),
  ];
}
