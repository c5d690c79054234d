import { clamped, SILENT, type DaySum, type Scope } from './day-sum.js';

const FIGURES = [
  ...['cpu_total', 'cpu_used', 'cpu_percent', 'mem_total_mb', 'mem_used_mb', 'disk_total_mb'],
  ...['disk_used_mb', 'agents_active', 'agents_connected', 'task_count', 'framework_count'],
];
/** Lower bounds: 0, then 1/8, 1/4, 1/2, 1, 2, … */
const BUCKETS = `'{0}'::float8[] || ARRAY(SELECT power(2::float8, i) FROM generate_series(-3, 60) AS i ORDER BY i)`;

/** Installations per day and snapshot: groups thousands of rows into a few snapshots before these are read. */
const contents = (column: string, { days }: Scope) => `
  SELECT d.day, d.product, o.version, d.${column} AS snapshot_id, count(*)::int AS installations
    FROM installation_day d JOIN origin o USING (origin_id)
   WHERE ${days} AND d.${column} IS NOT NULL
   GROUP BY 1, 2, 3, 4`;

/**
 * Counts active, new (`born`), returned and silent installations. One that opted out does not count as silent. One that
 * was first seen before the first kept day counts as returned, not as new.
 */
export const fleetSum: DaySum = {
  table: 'fleet_day',
  key: ['product', 'version'],
  counts: ['active', 'born', 'returned', 'gone_silent', 'reports', 'reporting_hours'],
  select: ({ days, lastDays }) => `
    SELECT day, product, version, sum(active)::int, sum(born)::int, sum(returned)::int,
           sum(gone_silent)::int, sum(reports)::bigint, sum(reporting_hours)::bigint
      FROM (
        SELECT d.day, d.product, o.version, count(*) AS active,
               count(*) FILTER (WHERE p.day IS NULL AND NOT p.is_older) AS born,
               count(*) FILTER (WHERE d.day - p.day > ${SILENT} OR p.day IS NULL AND p.is_older) AS returned,
               0 AS gone_silent, sum(d.reports) AS reports,
               sum(bit_count(d.hours::bit(24))) AS reporting_hours
          FROM installation_day d JOIN origin o USING (origin_id)
          LEFT JOIN product_cadence c ON c.product = d.product
          LEFT JOIN installation_life l ON l.installation_id = d.installation_id AND l.product = d.product
         CROSS JOIN rollup_state s
         CROSS JOIN LATERAL (
               SELECT max(e.day) AS day, coalesce(l.first_day < s.days_since, false) AS is_older
                 FROM installation_day e
                WHERE e.installation_id = d.installation_id AND e.product = d.product AND e.day < d.day) p
         WHERE ${days}
         GROUP BY 1, 2, 3
         UNION ALL
        SELECT d.day + ${SILENT}, d.product, o.version, 0, 0, 0, count(*), 0, 0
          FROM installation_day d JOIN origin o USING (origin_id)
          LEFT JOIN product_cadence c ON c.product = d.product
         WHERE ${lastDays} AND NOT d.opted_out
           AND NOT EXISTS (
               SELECT FROM installation_day e
                WHERE e.installation_id = d.installation_id AND e.product = d.product
                  AND e.day > d.day AND e.day <= d.day + ${SILENT})
         GROUP BY 1, 2, 3) s
     GROUP BY 1, 2, 3`,
};

export const stateSums: readonly DaySum[] = [
  {
    table: 'mix_day',
    key: ['product', 'version', 'variant', 'provider', 'platform'],
    counts: ['installations'],
    select: ({ days }) => `
      SELECT d.day, d.product, o.version, o.variant, o.provider, o.platform, count(*)::int
        FROM installation_day d JOIN origin o USING (origin_id)
       WHERE ${days} GROUP BY 1, 2, 3, 4, 5, 6`,
  },
  {
    table: 'unit_day',
    key: ['product', 'version', 'unit', 'unit_type'],
    counts: ['installations', 'unhealthy_installations', 'total', 'unhealthy'],
    select: (of) => `
      SELECT c.day, c.product, c.version, u.unit, u.unit_type, sum(c.installations)::int,
             coalesce(sum(c.installations) FILTER (WHERE u.unhealthy > 0), 0)::int,
             sum(c.installations * u.total::bigint)::bigint,
             sum(c.installations * u.unhealthy::bigint)::bigint
        FROM (${contents('health_id', of)}) c
        JOIN health_snapshot s USING (snapshot_id) JOIN unit_set us USING (unit_set_id)
       CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
             AS u(unit, unit_type, total, unhealthy)
       GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    table: 'package_day',
    key: ['product', 'version', 'package', 'package_version'],
    counts: ['installations', 'instances'],
    select: (of) => `
      SELECT c.day, c.product, c.version, p.package, p.version, sum(c.installations)::int,
             sum(c.installations * p.instances::bigint)::bigint
        FROM (${contents('package_id', of)}) c
        JOIN package_snapshot s USING (snapshot_id)
       CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances)
       GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    table: 'framework_day',
    key: ['product', 'version', 'framework'],
    counts: ['installations', 'instances'],
    select: (of) => `
      SELECT c.day, c.product, c.version, f.framework, sum(c.installations)::int,
             sum(c.installations * f.instances::bigint)::bigint
        FROM (${contents('framework_id', of)}) c
        JOIN framework_snapshot s USING (snapshot_id)
       CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances)
       GROUP BY 1, 2, 3, 4`,
  },
  {
    table: 'capacity_day',
    key: ['product', 'version', 'figure', 'bucket'],
    classes: ['figure', 'bucket'],
    counts: ['installations'],
    totals: ['total'],
    select: ({ days }) => `
      SELECT d.day, d.product, o.version, f.name, width_bucket(f.figure, ${BUCKETS})::smallint,
             count(*)::int, sum(${clamped('f.figure')})
        FROM installation_day d JOIN origin o USING (origin_id)
       CROSS JOIN LATERAL (VALUES ${FIGURES.map((name) => `('${name}', d.${name}::float8)`).join(', ')})
             AS f(name, figure)
       WHERE ${days} AND f.figure IS NOT NULL
       GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    table: 'ui_day',
    key: ['product', 'version'],
    counts: ['installations', 'users', 'logins', 'logouts', 'page_views'],
    select: ({ days }) => `
      SELECT d.day, d.product, o.version, count(*)::int, sum(d.ui_users)::bigint,
             sum(d.ui_logins)::bigint, sum(d.ui_logouts)::bigint, sum(d.ui_page_views)::bigint
        FROM installation_day d JOIN origin o USING (origin_id)
       WHERE ${days} AND d.ui_users IS NOT NULL
       GROUP BY 1, 2, 3`,
  },
];

export const metricSum: DaySum = {
  table: 'metric_day',
  key: ['product', 'version', 'event', 'metric', 'dimension'],
  counts: ['installations'],
  totals: ['total'],
  ranks: ['least', 'median', 'p90', 'greatest'],
  select: ({ days }) => `
    SELECT d.day, d.product, o.version, s.event, m.metric, m.dimension, count(*)::int,
           sum(${clamped('m.figure')}), min(m.figure),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY m.figure),
           percentile_disc(0.9) WITHIN GROUP (ORDER BY m.figure), max(m.figure)
      FROM installation_day d JOIN origin o USING (origin_id)
      JOIN metric_snapshot s ON s.snapshot_id = d.metric_id JOIN metric_set ms USING (metric_set_id)
     CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
     WHERE ${days}
     GROUP BY 1, 2, 3, 4, 5, 6`,
};
