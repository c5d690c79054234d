import type pg from 'pg';
import { clamped, type DaySum } from './day-sum.js';
import { eventSums } from './event-sums.js';

const FIGURES = [
  ...['cpu_total', 'cpu_used', 'cpu_percent', 'mem_total_mb', 'mem_used_mb', 'disk_total_mb'],
  ...['disk_used_mb', 'agents_active', 'agents_connected', 'task_count', 'framework_count'],
];
/** From 0, then from 1/8, 1/4, 1/2, 1, 2, … */
const BUCKETS = `'{0}'::float8[] || ARRAY(SELECT power(2::float8, i) FROM generate_series(-3, 60) AS i ORDER BY i)`;

/** How many installations say the same on a day: thousands of days become a few contents. */
const contents = (column: string) => `
  SELECT d.product, o.version, d.${column} AS snapshot_id, count(*)::int AS installations
    FROM installation_day d JOIN origin o USING (origin_id)
   WHERE d.day = $1 AND d.${column} IS NOT NULL
   GROUP BY 1, 2, 3`;

const SILENT = 'coalesce(c.silent_after_days, 3)';

/** Installations by what they did: there, never there before, back, or gone for as long as they may be. */
const FLEET: DaySum = {
  table: 'fleet_day',
  key: ['product', 'version'],
  values: ['active', 'born', 'returned', 'gone_silent', 'reports', 'reporting_hours'],
  select: `
    SELECT product, version, sum(active)::int, sum(born)::int, sum(returned)::int, sum(gone_silent)::int,
           sum(reports)::bigint, sum(reporting_hours)::bigint
      FROM (
        SELECT d.product, o.version, count(*) AS active, count(*) FILTER (WHERE p.day IS NULL) AS born,
               count(*) FILTER (WHERE $1::date - p.day > ${SILENT}) AS returned, 0 AS gone_silent,
               sum(d.reports) AS reports, sum(bit_count(d.hours::bit(24))) AS reporting_hours
          FROM installation_day d JOIN origin o USING (origin_id)
          LEFT JOIN product_cadence c ON c.product = d.product
         CROSS JOIN LATERAL (
               SELECT max(e.day) AS day FROM installation_day e
                WHERE e.installation_id = d.installation_id AND e.product = d.product AND e.day < $1) p
         WHERE d.day = $1
         GROUP BY 1, 2
         UNION ALL
        SELECT d.product, o.version, 0, 0, 0, count(*), 0, 0
          FROM installation_day d JOIN origin o USING (origin_id)
          LEFT JOIN product_cadence c ON c.product = d.product
         WHERE d.day BETWEEN $1 - (SELECT greatest(3, max(silent_after_days)) FROM product_cadence) AND $1
           AND d.day = $1 - ${SILENT}
           AND NOT EXISTS (
               SELECT FROM installation_day e
                WHERE e.installation_id = d.installation_id AND e.product = d.product
                  AND e.day > d.day AND e.day <= $1)
         GROUP BY 1, 2) s
     GROUP BY 1, 2`,
};

const OTHERS: readonly DaySum[] = [
  {
    table: 'mix_day',
    key: ['product', 'version', 'variant', 'provider', 'platform'],
    values: ['installations'],
    select: `
      SELECT d.product, o.version, o.variant, o.provider, o.platform, count(*)::int
        FROM installation_day d JOIN origin o USING (origin_id)
       WHERE d.day = $1 GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    table: 'unit_day',
    key: ['product', 'version', 'unit', 'unit_type'],
    values: ['installations', 'unhealthy_installations', 'total', 'unhealthy'],
    select: `
      SELECT c.product, c.version, u.unit, u.unit_type, sum(c.installations)::int,
             coalesce(sum(c.installations) FILTER (WHERE u.unhealthy > 0), 0)::int,
             sum(c.installations * u.total::bigint)::bigint,
             sum(c.installations * u.unhealthy::bigint)::bigint
        FROM (${contents('health_id')}) c
        JOIN health_snapshot s USING (snapshot_id) JOIN unit_set us USING (unit_set_id)
       CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
             AS u(unit, unit_type, total, unhealthy)
       GROUP BY 1, 2, 3, 4`,
  },
  {
    table: 'package_day',
    key: ['product', 'version', 'package', 'package_version'],
    values: ['installations', 'instances'],
    select: `
      SELECT c.product, c.version, p.package, p.version, sum(c.installations)::int,
             sum(c.installations * p.instances::bigint)::bigint
        FROM (${contents('package_id')}) c
        JOIN package_snapshot s USING (snapshot_id)
       CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances)
       GROUP BY 1, 2, 3, 4`,
  },
  {
    table: 'framework_day',
    key: ['product', 'version', 'framework'],
    values: ['installations', 'instances'],
    select: `
      SELECT c.product, c.version, f.framework, sum(c.installations)::int,
             sum(c.installations * f.instances::bigint)::bigint
        FROM (${contents('framework_id')}) c
        JOIN framework_snapshot s USING (snapshot_id)
       CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances)
       GROUP BY 1, 2, 3`,
  },
  {
    table: 'metric_day',
    key: ['product', 'version', 'event', 'metric', 'dimension'],
    values: ['installations', 'total', 'least', 'median', 'p90', 'greatest'],
    select: `
      SELECT d.product, o.version, s.event, m.metric, m.dimension, count(*)::int,
             sum(${clamped('m.figure')}), min(m.figure),
             percentile_disc(0.5) WITHIN GROUP (ORDER BY m.figure),
             percentile_disc(0.9) WITHIN GROUP (ORDER BY m.figure), max(m.figure)
        FROM installation_day d JOIN origin o USING (origin_id)
        JOIN metric_snapshot s ON s.snapshot_id = d.metric_id JOIN metric_set ms USING (metric_set_id)
       CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
       WHERE d.day = $1
       GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    table: 'capacity_day',
    key: ['product', 'version', 'figure', 'bucket'],
    values: ['installations', 'total'],
    select: `
      SELECT d.product, o.version, f.name, width_bucket(f.figure, ${BUCKETS})::smallint,
             count(*)::int, sum(${clamped('f.figure')})
        FROM installation_day d JOIN origin o USING (origin_id)
       CROSS JOIN LATERAL (VALUES ${FIGURES.map((name) => `('${name}', d.${name}::float8)`).join(', ')})
             AS f(name, figure)
       WHERE d.day = $1 AND f.figure IS NOT NULL
       GROUP BY 1, 2, 3, 4`,
  },
];

/** The parts that are refreshed apart, by their numbers in rollup_stale. */
const PARTS: Readonly<Record<number, readonly DaySum[]>> = {
  1: [FLEET],
  2: [...OTHERS, ...eventSums],
};

/** All tables of sums. */
export const daySumTables = Object.values(PARTS).flatMap((sums) => sums.map(({ table }) => table));

/**
 * Sums up a day anew from the rows of its installations. In a transaction that holds the lock of
 * refreshes and has taken away the mark.
 */
export async function refreshDaySums(tx: pg.ClientBase, day: string, part: number): Promise<void> {
  for (const sum of PARTS[part] ?? []) await tx.query(statementOf(sum), [day]);
}

/** Writes the rows that have changed, and no others, for most of a day's sums stay as they are. */
function statementOf({ table, key, values, select }: DaySum): string {
  const columns = [...key, ...values];
  const of = (alias: string, names: readonly string[]) =>
    names.map((name) => `${alias}.${name}`).join(', ');
  return `
    WITH fresh (${columns.join(', ')}) AS MATERIALIZED (${select}),
    removed AS (
      DELETE FROM ${table} t
       WHERE t.day = $1 AND (${of('t', key)}) NOT IN (SELECT ${key.join(', ')} FROM fresh))
    INSERT INTO ${table} AS t (day, ${columns.join(', ')})
    SELECT $1::date, ${columns.join(', ')} FROM fresh
        ON CONFLICT (day, ${key.join(', ')}) DO UPDATE
       SET ${values.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
     WHERE (${of('t', values)}) IS DISTINCT FROM (${of('EXCLUDED', values)})`;
}
