/**
 * Queries for the expected rows of the daily views, in the simplest possible way, from the views of
 * single reports. By name of the daily view, with columns in the same order.
 */
const REPORTS = `
  SELECT *, (observed_at AT TIME ZONE 'UTC')::date AS day FROM fleet.reports`;

/** The last report of a kind on each day of an installation. */
const lastOf = (kind: string) => `
  SELECT DISTINCT ON (installation_id, product, day) installation_id, product, day, observed_at
    FROM (${REPORTS}) r WHERE kind = '${kind}'
   ORDER BY installation_id, product, day, observed_at DESC`;

/**
 * Each day of an installation, with the version of its last report. UI reports count only if there
 * are no others.
 */
const DAYS = `
  SELECT DISTINCT ON (installation_id, product, day) installation_id, product, day, product_version,
         CASE product WHEN 'dcos' THEN 2 WHEN 'octopus' THEN 3 ELSE 8 END AS silent_after
    FROM (${REPORTS}) r ORDER BY installation_id, product, day, kind = 'ui', observed_at DESC`;

/**
 * The report source of an installation on a day, from its last report. UI reports count only if
 * there are no others.
 */
const ORIGINS = `
  SELECT DISTINCT ON (r.installation_id, o.product, day)
         (r.observed_at AT TIME ZONE 'UTC')::date AS day, o.*, r.installation_id
    FROM report r JOIN origin o USING (origin_id)
   ORDER BY r.installation_id, o.product, day, r.kind = 4, r.observed_at DESC`;

/** Whether the last consent event of the day of a row `d` was an opt-out. */
const LEFT = `
  coalesce((SELECT c.opted_out FROM consent_event c
             WHERE (c.installation_id, c.product) = (d.installation_id, d.product)
               AND (c.observed_at AT TIME ZONE 'UTC')::date = d.day
             ORDER BY c.observed_at DESC, c.event_key DESC LIMIT 1), false)`;

const EVENTS = (view: string) => `
  SELECT *, (occurred_at AT TIME ZONE 'UTC')::date AS day FROM fleet.${view}`;

const LATEST_READING = (view: string, kind: string) => `
  WITH days AS (${DAYS}), last AS (${lastOf(kind)})
  SELECT days.day, days.product, days.product_version, r.*
    FROM last JOIN days USING (installation_id, product, day)
    JOIN fleet.${view} r USING (installation_id, product, observed_at)`;

const reading = (view: string, kind: string, columns: string) =>
  LATEST_READING(view, kind).replace('r.*', `installation_id, ${columns}`);

const UPGRADES = `
  SELECT installation_id, product, day, before AS from_version, product_version AS to_version, previous_day, next_day
    FROM (SELECT *, lag(product_version) OVER life AS before, lag(day) OVER life AS previous_day,
                 lead(day) OVER life AS next_day
            FROM (${DAYS}) d WHERE product_version IS NOT NULL
          WINDOW life AS (PARTITION BY installation_id, product ORDER BY day)) steps
   WHERE before <> product_version`;

const LATEST_RESOURCES = `
  SELECT DISTINCT ON (installation_id, product, day) * FROM (
    SELECT *, (observed_at AT TIME ZONE 'UTC')::date AS day FROM fleet.resource_readings) r
   ORDER BY installation_id, product, day, observed_at DESC`;

const FIGURES = [
  ...['cpu_total', 'cpu_used', 'cpu_percent', 'mem_total_mb', 'mem_used_mb', 'disk_total_mb'],
  ...['disk_used_mb', 'agents_active', 'agents_connected', 'task_count', 'framework_count'],
];

export const EXPECTED: Readonly<Record<string, string>> = {
  daily_fleet: `
    WITH days AS (${DAYS}),
    was_there AS (
      SELECT d.*, (SELECT max(e.day) FROM days e WHERE (e.installation_id, e.product) = (d.installation_id, d.product)
                      AND e.day < d.day) AS previous,
             (SELECT min(e.day) FROM days e WHERE (e.installation_id, e.product) = (d.installation_id, d.product)
                 AND e.day > d.day) AS next
        FROM days d),
    facts AS (
      SELECT day, product, product_version, 1 AS active, (previous IS NULL)::int AS born,
             coalesce(previous < day - silent_after, false)::int AS returned, 0 AS gone,
             (SELECT count(*) FROM (${REPORTS}) r WHERE (r.installation_id, r.product, r.day)
                 = (w.installation_id, w.product, w.day)) AS reports,
             (SELECT count(DISTINCT date_trunc('hour', r.observed_at)) FROM (${REPORTS}) r
               WHERE (r.installation_id, r.product, r.day) = (w.installation_id, w.product, w.day)) AS hours
        FROM was_there w
       UNION ALL
      SELECT day + silent_after, product, product_version, 0, 0, 0, 1, 0, 0
        FROM was_there d WHERE (next IS NULL OR next > day + silent_after) AND NOT ${LEFT})
    SELECT day, product, product_version, sum(active)::int, sum(born)::int, sum(returned)::int,
           CASE WHEN day < (now() AT TIME ZONE 'UTC')::date THEN sum(gone)::int END,
           sum(reports)::bigint, sum(hours)::bigint
      FROM facts WHERE day <= (now() AT TIME ZONE 'UTC')::date GROUP BY 1, 2, 3`,
  installation_days: `
    WITH days AS (${DAYS}), origins AS (${ORIGINS}), resources AS (${LATEST_RESOURCES}),
    descriptions AS (
      SELECT r.installation_id, o.product, (r.observed_at AT TIME ZONE 'UTC')::date AS day,
             (count(DISTINCT o.origin_id) FILTER (WHERE r.kind <> 4))::int AS descriptions
        FROM report r JOIN origin o USING (origin_id) GROUP BY 1, 2, 3),
    reports AS (
      SELECT installation_id, product, day, count(*)::int AS reports,
             count(DISTINCT date_trunc('hour', observed_at))::int AS hours,
             min(observed_at) AS first, max(observed_at) AS last
        FROM (${REPORTS}) r GROUP BY 1, 2, 3),
    ui AS (
      SELECT installation_id, product, day, count(DISTINCT user_key)::int AS users,
             count(*) FILTER (WHERE event = 'login')::int AS logins,
             count(*) FILTER (WHERE event = 'logout')::int AS logouts,
             count(*) FILTER (WHERE event = 'page_view')::int AS views
        FROM (${EVENTS('ui_events')}) e GROUP BY 1, 2, 3)
    SELECT installation_id, product, day, days.product_version, nullif(variant, ''),
           nullif(provider, ''), nullif(platform, ''), reports, hours, first, last,
           ${FIGURES.map((figure) => `resources.${figure}`).join(', ')},
           coalesce(users, 0), coalesce(logins, 0), coalesce(logouts, 0), coalesce(views, 0), descriptions
      FROM days JOIN reports USING (installation_id, product, day)
      JOIN descriptions USING (installation_id, product, day)
      JOIN origins USING (installation_id, product, day)
      LEFT JOIN resources USING (installation_id, product, day)
      LEFT JOIN ui USING (installation_id, product, day)`,
  installation_lives: `
    WITH days AS (${DAYS}),
    steps AS (SELECT *, day - lag(day) OVER (PARTITION BY installation_id, product ORDER BY day) AS step FROM days)
    SELECT installation_id, product, min(day), (array_agg(product_version ORDER BY day))[1],
           max(day), (array_agg(product_version ORDER BY day DESC))[1], count(*)::int,
           count(*) FILTER (WHERE step > silent_after)::int,
           max(day) + max(silent_after) < (now() AT TIME ZONE 'UTC')::date
             AND NOT (SELECT i.opted_out FROM fleet.installations i
                       WHERE (i.installation_id, i.product) = (steps.installation_id, steps.product))
      FROM steps GROUP BY 1, 2`,
  installation_upgrades: UPGRADES,
  daily_upgrade_units: `
    WITH upgrades AS (${UPGRADES}),
    health AS (${reading('health_readings', 'health', 'unit, unhealthy')})
    SELECT u.day, u.product, from_version, to_version, a.unit, count(*)::int,
           count(*) FILTER (WHERE b.unhealthy > 0)::int, count(*) FILTER (WHERE a.unhealthy > 0)::int
      FROM upgrades u
      JOIN health b ON (b.installation_id, b.product, b.day) = (u.installation_id, u.product, u.previous_day)
      JOIN health a ON (a.installation_id, a.product, a.day) = (u.installation_id, u.product, u.next_day)
                   AND a.unit = b.unit
     GROUP BY 1, 2, 3, 4, 5`,
  daily_dropped_properties: `
    WITH days AS (${DAYS}),
    said AS (
      SELECT r.installation_id, o.product, r.kind, r.snapshot_id, r.observed_at, o.version,
             (r.observed_at AT TIME ZONE 'UTC')::date AS day
        FROM report r JOIN origin o USING (origin_id)),
    states AS (
      SELECT DISTINCT ON (installation_id, product, day, kind) installation_id, product, day, snapshot_id
        FROM said WHERE kind NOT IN (4, 5, 6)
       ORDER BY installation_id, product, day, kind, observed_at DESC),
    contents AS (
      SELECT installation_id, product, day, product_version, snapshot_id
        FROM states JOIN days USING (installation_id, product, day)
       UNION ALL
      SELECT installation_id, product, day, nullif(version, ''), snapshot_id FROM said WHERE kind IN (5, 6))
    SELECT day, product, product_version, s.event, k.key, count(DISTINCT installation_id)::int
      FROM contents
      JOIN (SELECT snapshot_id, 'health' AS event, dropped FROM health_snapshot
             UNION ALL SELECT snapshot_id, 'package_list', dropped FROM package_snapshot
             UNION ALL SELECT snapshot_id, 'mesos_track', dropped FROM framework_snapshot
             UNION ALL SELECT snapshot_id, event, dropped FROM metric_snapshot
             UNION ALL SELECT snapshot_id, event, dropped FROM error_snapshot) s USING (snapshot_id)
     CROSS JOIN LATERAL unnest(s.dropped) AS k(key)
     GROUP BY 1, 2, 3, 4, 5`,
  daily_mix: `
    WITH origins AS (${ORIGINS})
    SELECT day, product, nullif(version, ''), nullif(variant, ''), nullif(provider, ''), nullif(platform, ''),
           count(*)::int FROM origins GROUP BY 1, 2, 3, 4, 5, 6`,
  daily_units: `
    SELECT day, product, product_version, unit, unit_type, count(*)::int,
           count(*) FILTER (WHERE unhealthy > 0)::int, sum(total), sum(unhealthy)
      FROM (${reading('health_readings', 'health', 'unit, unit_type, total, unhealthy')}) r
     GROUP BY 1, 2, 3, 4, 5`,
  daily_packages: `
    SELECT day, product, product_version, package, version, count(*)::int, sum(instances)
      FROM (${reading('package_readings', 'package_list', 'package, version, instances')}) r
     GROUP BY 1, 2, 3, 4, 5`,
  daily_frameworks: `
    SELECT day, product, product_version, framework, count(*)::int, sum(instances)
      FROM (${reading('framework_readings', 'mesos_track', 'framework, instances')}) r GROUP BY 1, 2, 3, 4`,
  daily_metrics: `
    SELECT day, product, product_version, metric, dimension, count(*)::int, sum(value), min(value),
           percentile_disc(0.5) WITHIN GROUP (ORDER BY value),
           percentile_disc(0.9) WITHIN GROUP (ORDER BY value), max(value), min(unit)
      FROM (${reading('metric_readings', 'metrics', 'metric, dimension, value, unit')}) r
     GROUP BY 1, 2, 3, 4, 5`,
  daily_capacity: `
    WITH days AS (${DAYS}), resources AS (${LATEST_RESOURCES}),
    figures AS (
      ${FIGURES.map((f) => `SELECT day, product, days.product_version, '${f}' AS figure, ${f}::float8 AS value FROM resources JOIN days USING (installation_id, product, day)`).join(' UNION ALL ')}),
    classes AS (
      SELECT *, CASE WHEN value < 0.125 THEN 0 ELSE (SELECT max(2::float8 ^ e) FROM generate_series(-3, 60) e
                                                      WHERE 2::float8 ^ e <= value) END AS at_least
        FROM figures WHERE value IS NOT NULL)
    SELECT day, product, product_version, figure, at_least, CASE at_least WHEN 0 THEN 0.125 WHEN 2::float8 ^ 60 THEN NULL ELSE at_least * 2 END,
           count(*)::int, sum(value) FROM classes GROUP BY 1, 2, 3, 4, 5`,
  daily_usage: `
    SELECT day, product, product_version, event, outcome, count(DISTINCT installation_id)::int, count(*)
      FROM (${EVENTS('usage_events')}) e GROUP BY 1, 2, 3, 4, 5`,
  daily_counters: `
    SELECT e.day, e.product, product_version, e.event, outcome, counter, dimension,
           count(DISTINCT installation_id)::int, count(*), sum(value), min(c.unit)
      FROM (${EVENTS('usage_counters')}) e
      LEFT JOIN fleet.metric_catalogue c ON (c.product, c.event, c.metric) = (e.product, e.event, e.counter)
     GROUP BY 1, 2, 3, 4, 5, 6, 7`,
  daily_errors: `
    SELECT day, product, product_version, event, kind, fingerprint, message,
           count(DISTINCT installation_id)::int, count(*), sum(count)
      FROM (${EVENTS('error_reports')}) e GROUP BY 1, 2, 3, 4, 5, 6, 7`,
  daily_ui: `
    WITH days AS (${DAYS}), events AS (${EVENTS('ui_events')})
    SELECT day, product, days.product_version, count(DISTINCT installation_id)::int,
           count(DISTINCT (installation_id, user_key)) FILTER (WHERE user_key IS NOT NULL),
           count(*) FILTER (WHERE event = 'login'), count(*) FILTER (WHERE event = 'logout'),
           count(*) FILTER (WHERE event = 'page_view')
      FROM events JOIN days USING (installation_id, product, day) GROUP BY 1, 2, 3`,
};

const current = (view: string, kind: string) => `
  SELECT r.* FROM fleet.${view} r
    JOIN (SELECT installation_id, product, max(observed_at) AS observed_at FROM fleet.reports
           WHERE kind = '${kind}' GROUP BY 1, 2) last USING (installation_id, product, observed_at)`;

/** Queries for the expected rows of the views of the current state, at any time. */
export const EXPECTED_CURRENT: Readonly<Record<string, string>> = {
  current_health: current('health_readings', 'health'),
  current_packages: current('package_readings', 'package_list'),
  current_frameworks: current('framework_readings', 'mesos_track'),
  current_metrics: current('metric_readings', 'metrics'),
  current_resources: `
    SELECT r.* FROM fleet.resource_readings r
      JOIN (SELECT installation_id, product, max(observed_at) AS observed_at FROM fleet.resource_readings
             GROUP BY 1, 2) last USING (installation_id, product, observed_at)`,
};
