import { clamped, type DaySum, type Scope } from './day-sum.js';

/** The contents of usage events and errors, with how often each installation sent them. */
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
      SELECT c.day, c.product, c.version, s.event, k.key, count(DISTINCT c.installation_id)::int
        FROM (${events(of)}
               UNION ALL
              ${states(of)}) c
        JOIN (${WITH_DROPPED}) s USING (snapshot_id)
       CROSS JOIN LATERAL unnest(s.dropped) AS k(key)
       GROUP BY 1, 2, 3, 4, 5`,
  },
];

/** The contents that tell a state, as events that each installation sent once. */
function states({ days }: Scope): string {
  return `
    SELECT d.day, d.installation_id, d.product, o.version, c.snapshot_id, 1
      FROM installation_day d JOIN origin o USING (origin_id)
     CROSS JOIN LATERAL (VALUES (d.health_id), (d.package_id), (d.framework_id), (d.metric_id)) AS c(snapshot_id)
     WHERE ${days} AND c.snapshot_id IS NOT NULL`;
}

/** The contents that texts were left out of, and the event that each is of. */
const WITH_DROPPED = [
  ['health_snapshot', "'health'"],
  ['package_snapshot', "'package_list'"],
  ['framework_snapshot', "'mesos_track'"],
  ['metric_snapshot', 'event'],
  ['error_snapshot', 'event'],
]
  .map(
    ([t, event]) =>
      `SELECT snapshot_id, ${event} AS event, dropped FROM ${t} WHERE dropped <> '{}'`,
  )
  .join(' UNION ALL ');
