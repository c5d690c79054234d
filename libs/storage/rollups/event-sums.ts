import { clamped, type DaySum, type Scope } from './day-sum.js';

/** The snapshots of usage events and errors, with the number of events per installation. */
const events = ({ days }: Scope) => `
  SELECT d.day, d.installation_id, d.product, o.version, c.snapshot_id, c.events
    FROM installation_day_events d
   CROSS JOIN LATERAL unnest(d.contents, d.origins, d.counts) AS c(snapshot_id, origin_id, events)
    JOIN origin o ON o.origin_id = c.origin_id
   WHERE ${days}`;

export const eventSums: readonly DaySum[] = [
  {
    table: 'usage_day',
    key: ['product', 'version', 'event', 'outcome'],
    counts: ['installations', 'events'],
    select: (of) => `
      SELECT e.day, e.product, e.version, s.event, s.outcome, count(DISTINCT e.installation_id)::int,
             sum(e.events)::bigint
        FROM (${events(of)}) e JOIN metric_snapshot s USING (snapshot_id)
       GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    table: 'counter_day',
    key: ['product', 'version', 'event', 'outcome', 'counter', 'dimension'],
    counts: ['installations', 'events'],
    totals: ['total'],
    select: (of) => `
      SELECT e.day, e.product, e.version, s.event, s.outcome, m.metric, m.dimension,
             count(DISTINCT e.installation_id)::int, sum(e.events)::bigint,
             sum(e.events * ${clamped('m.figure')})
        FROM (${events(of)}) e
        JOIN metric_snapshot s USING (snapshot_id) JOIN metric_set ms USING (metric_set_id)
       CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
       GROUP BY 1, 2, 3, 4, 5, 6, 7`,
  },
  {
    table: 'error_day',
    key: ['product', 'version', 'fingerprint'],
    facts: ['event', 'error_kind', 'message'],
    counts: ['installations', 'reports', 'occurrences'],
    select: (of) => `
      SELECT e.day, e.product, e.version, s.fingerprint, min(s.event), min(s.error_kind), min(s.message),
             count(DISTINCT e.installation_id)::int, sum(e.events)::bigint,
             sum(e.events * s.occurrences::bigint)::bigint
        FROM (${events(of)}) e JOIN error_snapshot s USING (snapshot_id)
       GROUP BY 1, 2, 3, 4`,
  },
  {
    table: 'dropped_day',
    key: ['product', 'version', 'event', 'key'],
    counts: ['installations'],
    select: (of) => `
      SELECT s.day, s.product, s.version, s.event, k.key, count(DISTINCT s.installation_id)::int
        FROM (${withDropped(`${events(of)} UNION ALL ${states(of)}`)}) s
       CROSS JOIN LATERAL unnest(s.dropped) AS k(key)
       GROUP BY 1, 2, 3, 4, 5`,
  },
];

/** The snapshots of state reports, as one event per installation. */
function states({ days }: Scope): string {
  return `
    SELECT d.day, d.installation_id, d.product, o.version, c.snapshot_id, 1
      FROM installation_day d JOIN origin o USING (origin_id)
     CROSS JOIN LATERAL (VALUES (d.health_id), (d.package_id), (d.framework_id), (d.metric_id)) AS c(snapshot_id)
     WHERE ${days} AND c.snapshot_id IS NOT NULL`;
}

/** The snapshot tables, and SQL for the event of a snapshot. */
const CONTENTS = [
  ['health_snapshot', "'health'"],
  ['package_snapshot', "'package_list'"],
  ['framework_snapshot', "'mesos_track'"],
  ['metric_snapshot', 's.event'],
  ['error_snapshot', 's.event'],
] as const;

/**
 * The snapshots that texts were dropped from. Each table is joined separately, because Postgres does not use the
 * primary keys on a union of them.
 */
function withDropped(contents: string): string {
  const each = CONTENTS.map(
    ([table, event]) => `
      SELECT c.day, c.installation_id, c.product, c.version, ${event} AS event, s.dropped
        FROM c JOIN ${table} s USING (snapshot_id) WHERE s.dropped <> '{}'`,
  );
  return `WITH c AS MATERIALIZED (${contents}) ${each.join(' UNION ALL ')}`;
}
