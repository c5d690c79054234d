import { clamped, type DaySum } from './day-sum.js';

/** The contents of usage events and errors, with how often each installation sent them. */
const EVENTS = `
  SELECT d.installation_id, d.product, o.version, c.snapshot_id, c.events
    FROM installation_day_events d
    JOIN installation_day i USING (installation_id, product, day)
   CROSS JOIN LATERAL unnest(d.contents, d.origins, d.counts) AS c(snapshot_id, origin_id, events)
    JOIN origin o ON o.origin_id = c.origin_id
   WHERE d.day = $1`;

export const eventSums: readonly DaySum[] = [
  {
    table: 'usage_day',
    key: ['product', 'version', 'event', 'outcome'],
    values: ['installations', 'events'],
    select: `
      SELECT e.product, e.version, s.event, s.outcome, count(DISTINCT e.installation_id)::int,
             sum(e.events)::bigint
        FROM (${EVENTS}) e JOIN metric_snapshot s USING (snapshot_id)
       GROUP BY 1, 2, 3, 4`,
  },
  {
    table: 'counter_day',
    key: ['product', 'version', 'event', 'outcome', 'counter', 'dimension'],
    values: ['installations', 'events', 'total'],
    select: `
      SELECT e.product, e.version, s.event, s.outcome, m.metric, m.dimension,
             count(DISTINCT e.installation_id)::int, sum(e.events)::bigint,
             sum(e.events * ${clamped('m.figure')})
        FROM (${EVENTS}) e
        JOIN metric_snapshot s USING (snapshot_id) JOIN metric_set ms USING (metric_set_id)
       CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
       GROUP BY 1, 2, 3, 4, 5, 6`,
  },
  {
    table: 'error_day',
    key: ['product', 'version', 'fingerprint'],
    values: ['event', 'error_kind', 'message', 'installations', 'reports', 'occurrences'],
    select: `
      SELECT e.product, e.version, s.fingerprint, min(s.event), min(s.error_kind), min(s.message),
             count(DISTINCT e.installation_id)::int, sum(e.events)::bigint,
             sum(e.events * s.occurrences::bigint)::bigint
        FROM (${EVENTS}) e JOIN error_snapshot s USING (snapshot_id)
       GROUP BY 1, 2, 3`,
  },
  {
    table: 'ui_day',
    key: ['product', 'version'],
    values: ['installations', 'users', 'logins', 'logouts', 'page_views'],
    select: `
      SELECT d.product, o.version, count(*)::int, sum(d.ui_users)::bigint, sum(d.ui_logins)::bigint,
             sum(d.ui_logouts)::bigint, sum(d.ui_page_views)::bigint
        FROM installation_day d JOIN origin o USING (origin_id)
       WHERE d.day = $1 AND d.ui_users IS NOT NULL
       GROUP BY 1, 2`,
  },
];
