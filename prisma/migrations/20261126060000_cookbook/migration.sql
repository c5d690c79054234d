-- What the cookbook asks that no view had: contents of an installation's day, versions in their order, what
-- each version reports, and how far each view is complete.

-- A defect is looked for by time: in some fleets every report of a version has one.
CREATE INDEX defect_observed_at_idx ON defect USING brin (observed_at);

CREATE VIEW fleet.installation_unit_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM public.installation_day d
  JOIN public.origin o USING (origin_id)
  JOIN public.health_snapshot s ON s.snapshot_id = d.health_id
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy) AS u(unit, unit_type, total, unhealthy);
COMMENT ON VIEW fleet.installation_unit_days IS 'One row per installation, day and unit, by the last health report of the day: several masters and hours are one. Kept longer than the reports themselves. Ask for a day, a few days, or an installation.';
COMMENT ON COLUMN fleet.installation_unit_days.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_unit_days.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installation_unit_days.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.installation_unit_days.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.installation_unit_days.unit IS 'The systemd unit, its dots as dashes: dcos-signal-timer.';
COMMENT ON COLUMN fleet.installation_unit_days.unit_type IS 'The systemd type of the unit; null where its name ends in none.';
COMMENT ON COLUMN fleet.installation_unit_days.total IS 'Nodes that the unit runs on.';
COMMENT ON COLUMN fleet.installation_unit_days.unhealthy IS 'Nodes on which it is unhealthy.';

-- Counted for each content: a day's installations share a few.
CREATE VIEW fleet.installation_health_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version,
       u.units, u.unhealthy_units, u.total, u.unhealthy
  FROM public.installation_day d
  JOIN public.origin o USING (origin_id)
  JOIN public.health_snapshot s ON s.snapshot_id = d.health_id
 CROSS JOIN LATERAL (
       SELECT count(*)::int AS units, (count(*) FILTER (WHERE unhealthy > 0))::int AS unhealthy_units,
              sum(total) AS total, sum(unhealthy) AS unhealthy
         FROM unnest(s.totals, s.unhealthy) AS u(total, unhealthy)) u;
COMMENT ON VIEW fleet.installation_health_days IS 'One row per installation and day: how healthy it was, by the last health report of the day. Kept longer than the reports themselves. Ask for a day, a few days, or an installation.';
COMMENT ON COLUMN fleet.installation_health_days.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_health_days.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installation_health_days.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.installation_health_days.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.installation_health_days.units IS 'Units that it has.';
COMMENT ON COLUMN fleet.installation_health_days.unhealthy_units IS 'Units that are unhealthy on at least one node.';
COMMENT ON COLUMN fleet.installation_health_days.total IS 'Nodes that its units run on: a node counts once for each unit.';
COMMENT ON COLUMN fleet.installation_health_days.unhealthy IS 'Of these, those on which the unit is unhealthy.';

CREATE VIEW fleet.installation_metric_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version, s.event,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value
  FROM public.installation_day d
  JOIN public.origin o USING (origin_id)
  JOIN public.metric_snapshot s ON s.snapshot_id = d.metric_id
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure);
COMMENT ON VIEW fleet.installation_metric_days IS 'One row per installation, day and metric, by the last report of metrics of the day. Kept longer than the reports themselves. Ask for a day, a few days, or an installation.';
COMMENT ON COLUMN fleet.installation_metric_days.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_metric_days.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installation_metric_days.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.installation_metric_days.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.installation_metric_days.event IS 'The event that reported it.';
COMMENT ON COLUMN fleet.installation_metric_days.metric IS 'The metric; see fleet.metric_catalogue, which has its unit.';
COMMENT ON COLUMN fleet.installation_metric_days.dimension IS 'The type that the figure is of; null where the metric has none, * for types that have no name here.';
COMMENT ON COLUMN fleet.installation_metric_days.value IS 'The figure, in the unit of the metric.';

-- Installations that list the same are counted first: thousands of them have a few hundred contents.
CREATE VIEW fleet.daily_package_sets AS
SELECT d.day, d.product, nullif(d.version, '') AS product_version,
       ARRAY(SELECT DISTINCT p FROM unnest(s.packages) AS p ORDER BY p) AS packages, d.installations
  FROM (SELECT d.day, d.product, o.version, d.package_id, count(*)::int AS installations
          FROM public.installation_day d JOIN public.origin o USING (origin_id)
         WHERE d.package_id IS NOT NULL
         GROUP BY d.day, d.product, o.version, d.package_id) d
  JOIN public.package_snapshot s ON s.snapshot_id = d.package_id;
COMMENT ON VIEW fleet.daily_package_sets IS 'One row per day, version and list of packages, by the last package report of the day of each installation: what is installed together. Lists that differ in versions or instances only are rows of their own. Ask for a day or a few.';
COMMENT ON COLUMN fleet.daily_package_sets.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_package_sets.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_package_sets.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_package_sets.packages IS 'The names of the packages, each once, in the order of the alphabet; empty where nothing is installed.';
COMMENT ON COLUMN fleet.daily_package_sets.installations IS 'Installations that have exactly these.';

CREATE VIEW fleet.daily_dropped_properties AS
SELECT d.day, d.product, nullif(d.version, '') AS product_version, s.event, k.key,
       count(DISTINCT d.installation_id)::int AS installations
  FROM (SELECT d.installation_id, d.day, d.product, o.version, c.snapshot_id
          FROM public.installation_day d
          JOIN public.origin o USING (origin_id)
         CROSS JOIN LATERAL unnest(ARRAY[d.health_id, d.package_id, d.framework_id, d.metric_id]) AS c(snapshot_id)
         WHERE c.snapshot_id IS NOT NULL
         UNION ALL
        SELECT d.installation_id, d.day, d.product, o.version, c.snapshot_id
          FROM public.installation_day_events d
         CROSS JOIN LATERAL unnest(d.contents, d.origins) AS c(snapshot_id, origin_id)
          JOIN public.origin o ON o.origin_id = c.origin_id) d
  JOIN (SELECT snapshot_id, 'health' AS event, dropped FROM public.health_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, 'package_list' AS event, dropped FROM public.package_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, 'mesos_track' AS event, dropped FROM public.framework_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, event, dropped FROM public.metric_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, event, dropped FROM public.error_snapshot WHERE dropped <> '{}') s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.dropped) AS k(key)
 GROUP BY d.day, d.product, d.version, s.event, k.key;
COMMENT ON VIEW fleet.daily_dropped_properties IS 'One row per day, version, event and property whose text was left out, by the last report of each kind of the day, and all usage events and errors. Those of a web UI are in fleet.dropped_properties only. Ask for a day or a few.';
COMMENT ON COLUMN fleet.daily_dropped_properties.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_dropped_properties.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_dropped_properties.product_version IS 'The product''s version that the installation''s last report of the day named (of usage events and errors: that the event named); null when it named none.';
COMMENT ON COLUMN fleet.daily_dropped_properties.event IS 'The event that had it.';
COMMENT ON COLUMN fleet.daily_dropped_properties.key IS 'The name of the property. Its text is not kept anywhere.';
COMMENT ON COLUMN fleet.daily_dropped_properties.installations IS 'Installations that sent it.';

CREATE VIEW fleet.report_origins AS
SELECT r.installation_id, o.product, r.observed_at, r.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[r.kind] AS kind,
       nullif(o.version, '') AS product_version, nullif(o.variant, '') AS variant, nullif(o.provider, '') AS provider,
       nullif(o.platform, '') AS platform, nullif(o.source, '') AS source
  FROM public.report r JOIN public.origin o USING (origin_id);
COMMENT ON VIEW fleet.report_origins IS 'One row per stored report: where it comes from by its own account. Ask for an installation or a narrow time.';
COMMENT ON COLUMN fleet.report_origins.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.report_origins.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.report_origins.observed_at IS 'When it was observed, by the agent''s clock; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.report_origins.received_at IS 'When it was received.';
COMMENT ON COLUMN fleet.report_origins.kind IS 'What it reports: health, mesos_track, package_list, ui, usage, error or metrics.';
COMMENT ON COLUMN fleet.report_origins.product_version IS 'The product''s version that the report names; null when it names none.';
COMMENT ON COLUMN fleet.report_origins.variant IS 'The variant of the product; null where it names none.';
COMMENT ON COLUMN fleet.report_origins.provider IS 'Where it runs; null where it says nothing.';
COMMENT ON COLUMN fleet.report_origins.platform IS 'The platform; null where it names none.';
COMMENT ON COLUMN fleet.report_origins.source IS 'What sent it; null where it says nothing.';

-- 1.9 comes before 1.10, and 2.0-beta before 2.0.
CREATE VIEW fleet.product_versions AS
SELECT product, version AS product_version,
       lag(version) OVER (PARTITION BY product ORDER BY numbers, version ~ '^[vV]?[0-9.]+$', version) AS previous_version,
       first_day, last_day
  FROM (SELECT product, version, min(day) AS first_day, max(day) AS last_day,
               string_to_array(substring(version FROM '[0-9]+(?:[.][0-9]+)*'), '.')::numeric[] AS numbers
          FROM public.fleet_day WHERE active > 0 AND version <> ''
         GROUP BY product, version) v;
COMMENT ON VIEW fleet.product_versions IS 'One row per product and version that an installation had at the end of a day.';
COMMENT ON COLUMN fleet.product_versions.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.product_versions.product_version IS 'The version, as agents name it.';
COMMENT ON COLUMN fleet.product_versions.previous_version IS 'The version before it, by number, of those that were seen: 1.9 comes before 1.10, and 2.0-beta before 2.0. Null for the first.';
COMMENT ON COLUMN fleet.product_versions.first_day IS 'The first day on which an installation had it.';
COMMENT ON COLUMN fleet.product_versions.last_day IS 'The last day on which an installation had it.';

CREATE VIEW fleet.version_fields AS
SELECT product, nullif(version, '') AS product_version, 'health' AS event, 'unit' AS kind, unit AS field,
       min(day) AS first_day, max(day) AS last_day
  FROM public.unit_day GROUP BY product, version, unit
 UNION ALL
SELECT product, nullif(version, ''), event, 'metric', metric, min(day), max(day)
  FROM public.metric_day GROUP BY product, version, event, metric
 UNION ALL
SELECT product, nullif(version, ''), event, 'counter', counter, min(day), max(day)
  FROM public.counter_day GROUP BY product, version, event, counter
 UNION ALL
SELECT product, nullif(version, ''), event, 'event', event, min(day), max(day)
  FROM public.usage_day GROUP BY product, version, event;
COMMENT ON VIEW fleet.version_fields IS 'One row per version and name that it reports: of a unit, a metric, a counter or a usage event.';
COMMENT ON COLUMN fleet.version_fields.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.version_fields.product_version IS 'The version that reports it; null where none was named.';
COMMENT ON COLUMN fleet.version_fields.event IS 'The event that has it.';
COMMENT ON COLUMN fleet.version_fields.kind IS 'What it is: unit, metric, counter, or event for the event itself.';
COMMENT ON COLUMN fleet.version_fields.field IS 'The name.';
COMMENT ON COLUMN fleet.version_fields.first_day IS 'The first day on which this version reported it.';
COMMENT ON COLUMN fleet.version_fields.last_day IS 'The last day on which this version reported it.';

-- Read from the catalogue, so that no view is forgotten.
CREATE VIEW fleet.completeness AS
SELECT v.view, v.time_column, v.is_daily,
       CASE WHEN v.is_daily THEN s.complete_until ELSE t.hour END AS complete_until
  FROM (SELECT DISTINCT ON (c.relname) c.relname::text AS view, a.attname::text AS time_column,
               a.attname IN ('day', 'last_day') AS is_daily
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
          JOIN unnest(ARRAY['day', 'last_day', 'observed_at', 'occurred_at', 'received_at', 'hour', 'last_seen_at'])
               WITH ORDINALITY AS n(name, rank) ON n.name = a.attname
         WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind = 'v'
         ORDER BY c.relname, n.rank) v
 CROSS JOIN public.rollup_state s
 CROSS JOIN (SELECT max(hour) AS hour FROM public.ingest_tally WHERE stored > 0) t;
COMMENT ON VIEW fleet.completeness IS 'One row per view that has a time: up to when it is complete.';
COMMENT ON COLUMN fleet.completeness.view IS 'The view of the schema fleet.';
COMMENT ON COLUMN fleet.completeness.time_column IS 'Its column of the time of what it shows.';
COMMENT ON COLUMN fleet.completeness.is_daily IS 'Whether it shows days, which are refreshed every so often. The others show what is stored at the moment they are asked.';
COMMENT ON COLUMN fleet.completeness.complete_until IS 'Of views of days: everything that was stored before is in them; null before they were first refreshed. Of the others: the beginning of the hour in which the last event was received that is stored; all is there but what still waits in the queue.';
