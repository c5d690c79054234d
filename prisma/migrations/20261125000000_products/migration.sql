-- What the other products report: metrics, usage, errors, and who has opted out; and the names of
-- properties whose text was left out of a report.

ALTER TABLE health_snapshot ADD COLUMN dropped text[] NOT NULL DEFAULT '{}';
ALTER TABLE package_snapshot ADD COLUMN dropped text[] NOT NULL DEFAULT '{}';
ALTER TABLE framework_snapshot ADD COLUMN dropped text[] NOT NULL DEFAULT '{}';
ALTER TABLE ui_snapshot ADD COLUMN dropped text[] NOT NULL DEFAULT '{}';

-- Kept before text had to pass a gate: they may hold anything.
TRUNCATE original_event;

ALTER TABLE resource_reading ADD COLUMN cpu_percent double precision;

-- The figures of reports of metrics and of usage events. Many share the names of their metrics.
CREATE TABLE metric_set (
  metric_set_id  uuid   PRIMARY KEY,
  metrics        text[] NOT NULL,
  dimensions     text[] NOT NULL  -- empty where a metric has one figure only
);
CREATE TABLE metric_snapshot (
  snapshot_id    uuid               PRIMARY KEY,
  metric_set_id  uuid               NOT NULL,
  event          text               NOT NULL,
  outcome        text               NOT NULL,  -- empty where the event tells none
  describes      boolean            NOT NULL,  -- whether such an event describes its installation
  figures        double precision[] NOT NULL,
  dropped        text[]             NOT NULL
);
CREATE TABLE error_snapshot (
  snapshot_id  uuid    PRIMARY KEY,
  event        text    NOT NULL,
  error_kind   text    NOT NULL,  -- empty where the agent gave none
  fingerprint  text    NOT NULL,
  message      text    NOT NULL,  -- scrubbed
  occurrences  integer NOT NULL,
  dropped      text[]  NOT NULL
);

-- Who used a UI: keyed hashes that mean nothing in another installation. Partitioned as reports are.
CREATE TABLE ui_reading (
  installation_id  uuid           NOT NULL,
  event_key        bigint         NOT NULL,
  received_at      timestamptz(3) NOT NULL,
  observed_at      timestamptz(3) NOT NULL,
  snapshot_id      uuid           NOT NULL,
  user_key         bigint,
  visitor_key      bigint,
  origin_id        integer        NOT NULL
) PARTITION BY RANGE (received_at);
CREATE INDEX ui_reading_observed_at_idx ON ui_reading USING brin (observed_at);
DO $$
DECLARE
  month record;
  name  text;
BEGIN
  FOR month IN
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'report'::regclass
  LOOP
    name := replace(month.relname, 'report_', 'ui_reading_');
    EXECUTE format('CREATE TABLE %I PARTITION OF ui_reading %s', name, month.bounds);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %I (installation_id, event_key)', name || '_event_key', name);
  END LOOP;
END $$;
INSERT INTO ui_reading
SELECT installation_id, event_key, received_at, observed_at, snapshot_id, NULL, NULL, origin_id
  FROM report WHERE kind = 4;

-- Installations that turned telemetry off, or on again; the latest one counts.
CREATE TABLE consent_event (
  installation_id  uuid           NOT NULL,
  event_key        bigint         NOT NULL,
  received_at      timestamptz(3) NOT NULL,
  observed_at      timestamptz(3) NOT NULL,
  product          text           NOT NULL,
  opted_out        boolean        NOT NULL,
  PRIMARY KEY (installation_id, event_key, received_at)
);

-- The metrics that products declare, as far as this version knows them. Written anew at each start.
CREATE TABLE metric_definition (
  product   text    NOT NULL,
  event     text    NOT NULL,
  metric    text    NOT NULL,
  position  integer NOT NULL,
  kind      text    NOT NULL,
  unit      text    NOT NULL,
  since     text    NOT NULL,
  about     text    NOT NULL,
  PRIMARY KEY (product, event, metric)
);

CREATE OR REPLACE VIEW fleet.installations AS
SELECT i.installation_id, i.product, nullif(o.version, '') AS version, nullif(o.variant, '') AS variant,
       nullif(o.provider, '') AS provider, nullif(o.platform, '') AS platform, nullif(o.source, '') AS source,
       i.customer_key, i.license_id, i.first_seen_at, i.last_seen_at,
       c.opted_out IS TRUE AS opted_out, CASE WHEN c.opted_out THEN c.observed_at END AS opted_out_at
  FROM public.installation i
  LEFT JOIN public.origin o USING (origin_id)
  LEFT JOIN (SELECT DISTINCT ON (installation_id, product) installation_id, product, observed_at, opted_out
               FROM public.consent_event
              ORDER BY installation_id, product, observed_at DESC, event_key DESC) c
         ON c.installation_id = i.installation_id AND c.product = i.product;
COMMENT ON COLUMN fleet.installations.license_id IS 'The licence of an enterprise installation; for Octopus the SHA-1 digest of its serial number; null where it has none.';
COMMENT ON COLUMN fleet.installations.opted_out IS 'Whether it turned telemetry off, and has not turned it on again since.';
COMMENT ON COLUMN fleet.installations.opted_out_at IS 'When it turned telemetry off; null where it has not, or has turned it on again.';
COMMENT ON COLUMN fleet.installations.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';

CREATE OR REPLACE VIEW fleet.reports AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[r.kind] AS kind,
       (ARRAY['agent', 'corrected', 'received'])[r.clock + 1] AS clock
  FROM public.report r JOIN public.origin l USING (origin_id);
COMMENT ON COLUMN fleet.reports.kind IS 'The kind of report: health, mesos_track, package_list, ui, usage, error or metrics.';

CREATE OR REPLACE VIEW fleet.defects AS
SELECT d.installation_id, l.product, nullif(l.version, '') AS product_version, d.observed_at, d.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[d.kind] AS kind, d.path, d.reason
  FROM public.defect d JOIN public.origin l USING (origin_id);
COMMENT ON VIEW fleet.defects IS 'One row per reading that was left out of a stored event. The figures of the event are kept to be read again.';
COMMENT ON COLUMN fleet.defects.reason IS 'Why: not_a_number, negative, fractional, out_of_range, without_partner, unhealthy_exceeds_total, not_text, malformed, too_long, not_a_list, not_an_object, not_a_package_name, not_a_timestamp, not_a_flag, not_a_sha1_digest, identifying (it may tell who or where somebody is) or too_many_defects.';

CREATE OR REPLACE VIEW fleet.resource_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       r.cpu_total, r.cpu_used, r.mem_total_mb, r.mem_used_mb, r.disk_total_mb, r.disk_used_mb,
       r.agents_active, r.agents_connected, r.task_count, r.framework_count, r.cpu_percent
  FROM public.resource_reading r JOIN public.origin l USING (origin_id);
COMMENT ON COLUMN fleet.resource_readings.cpu_percent IS 'CPU in use on average, in percent of the whole machine; null where the product tells cores instead.';

CREATE OR REPLACE VIEW fleet.current_resources AS
SELECT DISTINCT ON (r.installation_id, l.product)
       r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       cpu_total, cpu_used, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb,
       agents_active, agents_connected, task_count, framework_count, cpu_percent
  FROM public.resource_reading r JOIN public.origin l USING (origin_id)
 ORDER BY r.installation_id, l.product, r.observed_at DESC, r.event_key DESC;
COMMENT ON COLUMN fleet.current_resources.cpu_percent IS 'CPU in use on average, in percent of the whole machine; null where the product tells cores instead.';

-- Some versions of the DC/OS UI send every page view twice. The second one is told by what can be known
-- in any order of arrival: the same browser sees the same page within two seconds.
DROP VIEW fleet.ui_events;
CREATE VIEW fleet.ui_events AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       s.action AS event, nullif(s.path, '') AS path, nullif(s.app_version, '') AS app_version, r.user_key
  FROM public.ui_reading r
  JOIN public.origin l USING (origin_id)
  JOIN public.ui_snapshot s USING (snapshot_id)
 WHERE NOT EXISTS (
       SELECT FROM public.ui_reading e
        WHERE s.action = 'page_view'
          AND e.installation_id = r.installation_id AND e.visitor_key = r.visitor_key
          AND e.snapshot_id = r.snapshot_id
          AND e.observed_at BETWEEN r.observed_at - interval '2 seconds' AND r.observed_at
          AND (e.observed_at, e.event_key) < (r.observed_at, r.event_key));
COMMENT ON VIEW fleet.ui_events IS 'One row per event of a web UI. A page view that a browser sends again within two seconds is one.';
COMMENT ON COLUMN fleet.ui_events.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.ui_events.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.ui_events.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.ui_events.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.ui_events.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.ui_events.event IS 'What happened: page_view, login, logout or identify.';
COMMENT ON COLUMN fleet.ui_events.path IS 'The path of the page, without query; a part that is no word of the UI''s own routes is [id]. Null where there is none.';
COMMENT ON COLUMN fleet.ui_events.app_version IS 'The version of the UI itself; null where it named none.';
COMMENT ON COLUMN fleet.ui_events.user_key IS 'The user who was logged in, as a keyed hash that means nothing in another installation: count(DISTINCT (installation_id, user_key)) counts users. Null where nobody was.';

CREATE VIEW fleet.usage_events AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       nullif(l.source, '') AS source, s.event, nullif(s.outcome, '') AS outcome, c.duration_s,
       coalesce(c.counters, '{}') AS counters
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL (
       SELECT jsonb_object_agg(g.metric, coalesce(g.types, to_jsonb(g.figure))) AS counters,
              max(g.figure) FILTER (WHERE g.metric = 'duration_s') AS duration_s
         FROM (SELECT m.metric, sum(m.figure) AS figure,
                      jsonb_object_agg(m.dimension, m.figure) FILTER (WHERE m.dimension <> '') AS types
                 FROM unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
                GROUP BY m.metric) g) c
 WHERE r.kind = 5;
COMMENT ON VIEW fleet.usage_events IS 'One row per thing that happened in an installation.';
COMMENT ON COLUMN fleet.usage_events.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.usage_events.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.usage_events.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.usage_events.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.usage_events.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.usage_events.source IS 'The part of the product that reports, as resotocore; null where it names none.';
COMMENT ON COLUMN fleet.usage_events.event IS 'What happened, as the agent calls it; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.usage_events.outcome IS 'How it ended, as succeeded or failed; null where the event tells none.';
COMMENT ON COLUMN fleet.usage_events.duration_s IS 'How long it took, in seconds; null where the event tells none.';
COMMENT ON COLUMN fleet.usage_events.counters IS 'The figures of the event by name; a figure by type is an object. fleet.usage_counters has them as rows.';

CREATE VIEW fleet.usage_counters AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       nullif(l.source, '') AS source, s.event, nullif(s.outcome, '') AS outcome,
       m.metric AS counter, nullif(m.dimension, '') AS dimension, m.figure AS value
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
 WHERE r.kind = 5;
COMMENT ON VIEW fleet.usage_counters IS 'One row per figure of a usage event: what can be summed over the fleet.';
COMMENT ON COLUMN fleet.usage_counters.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.usage_counters.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.usage_counters.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.usage_counters.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.usage_counters.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.usage_counters.source IS 'The part of the product that reports, as resotocore; null where it names none.';
COMMENT ON COLUMN fleet.usage_counters.event IS 'What happened, as the agent calls it.';
COMMENT ON COLUMN fleet.usage_counters.outcome IS 'How it ended; null where the event tells none.';
COMMENT ON COLUMN fleet.usage_counters.counter IS 'The figure''s name; see fleet.metric_catalogue for its unit. One that is not declared there has the name that the agent gave it.';
COMMENT ON COLUMN fleet.usage_counters.dimension IS 'The type that the figure is of, as the name of a command; null where it has none, * for types that have no name here.';
COMMENT ON COLUMN fleet.usage_counters.value IS 'The figure. A flag is 0 or 1.';

CREATE VIEW fleet.error_reports AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       nullif(l.source, '') AS source, s.event, nullif(s.error_kind, '') AS kind, s.fingerprint,
       nullif(s.message, '') AS message, s.occurrences AS count
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.error_snapshot s USING (snapshot_id)
 WHERE r.kind = 6;
COMMENT ON VIEW fleet.error_reports IS 'One row per error that an agent reported.';
COMMENT ON COLUMN fleet.error_reports.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.error_reports.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.error_reports.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.error_reports.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.error_reports.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.error_reports.source IS 'The part of the product that reports; null where it names none.';
COMMENT ON COLUMN fleet.error_reports.event IS 'The kind of event that reported it, as error.server.';
COMMENT ON COLUMN fleet.error_reports.kind IS 'The class of the error, as KeyError; null where the agent named none.';
COMMENT ON COLUMN fleet.error_reports.fingerprint IS 'The same for the same event, kind and message, in all installations and versions: 64 bits of a hash, in hex.';
COMMENT ON COLUMN fleet.error_reports.message IS 'What it says, as far as that says nothing of anybody: quoted text, addresses, hosts, paths and numbers are replaced by what they are, and words outside a fixed vocabulary by <word>.';
COMMENT ON COLUMN fleet.error_reports.count IS 'How many errors the report stands for.';

CREATE VIEW fleet.metric_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value, d.unit, d.metric IS NOT NULL AS is_known
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
  LEFT JOIN public.metric_definition d
         ON d.product = l.product AND d.event = s.event AND d.metric = m.metric
 WHERE r.kind = 7;
COMMENT ON VIEW fleet.metric_readings IS 'One row per figure in a report of metrics. A metric that the report did not have is absent, not 0.';
COMMENT ON COLUMN fleet.metric_readings.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.metric_readings.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.metric_readings.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.metric_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.metric_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.metric_readings.metric IS 'The metric; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.metric_readings.dimension IS 'The type that the figure is of; null where the metric has none, * for types that have no name here.';
COMMENT ON COLUMN fleet.metric_readings.value IS 'The figure. A flag is 0 or 1, a date is in seconds since 1970.';
COMMENT ON COLUMN fleet.metric_readings.unit IS 'The unit of the figure; null where the metric is unknown.';
COMMENT ON COLUMN fleet.metric_readings.is_known IS 'Whether the catalogue knows the metric. Agents get newer: figures that it does not know are kept all the same.';

CREATE VIEW fleet.current_metrics AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value, d.unit, d.metric IS NOT NULL AS is_known
  FROM (SELECT DISTINCT ON (r.installation_id, l.product)
               r.installation_id, l.product, l.version, r.observed_at, r.received_at, r.snapshot_id
          FROM public.report r JOIN public.origin l USING (origin_id)
         WHERE r.kind = 7
         ORDER BY r.installation_id, l.product, r.observed_at DESC, r.event_key DESC) r
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
  LEFT JOIN public.metric_definition d
         ON d.product = r.product AND d.event = s.event AND d.metric = m.metric;
COMMENT ON VIEW fleet.current_metrics IS 'One row per figure in the latest report of metrics of each installation.';
COMMENT ON COLUMN fleet.current_metrics.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.current_metrics.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.current_metrics.product_version IS 'The product''s version that the report named; null when it named none.';
COMMENT ON COLUMN fleet.current_metrics.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew where the agent said when it sent; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_metrics.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_metrics.metric IS 'The metric; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.current_metrics.dimension IS 'The type that the figure is of; null where the metric has none, * for types that have no name here.';
COMMENT ON COLUMN fleet.current_metrics.value IS 'The figure. A flag is 0 or 1, a date is in seconds since 1970.';
COMMENT ON COLUMN fleet.current_metrics.unit IS 'The unit of the figure; null where the metric is unknown.';
COMMENT ON COLUMN fleet.current_metrics.is_known IS 'Whether the catalogue knows the metric. Agents get newer: figures that it does not know are kept all the same.';

CREATE VIEW fleet.metric_catalogue AS
SELECT product, event, metric, kind, unit, nullif(since, '') AS since, about
  FROM public.metric_definition
 ORDER BY product, position;
COMMENT ON VIEW fleet.metric_catalogue IS 'One row per metric that a product declares: what it means.';
COMMENT ON COLUMN fleet.metric_catalogue.product IS 'The product.';
COMMENT ON COLUMN fleet.metric_catalogue.event IS 'The event that holds it.';
COMMENT ON COLUMN fleet.metric_catalogue.metric IS 'Its name in fleet.metric_readings and fleet.usage_counters.';
COMMENT ON COLUMN fleet.metric_catalogue.kind IS 'count, counts (a figure for each type), ratio, bytes, duration, flag or date.';
COMMENT ON COLUMN fleet.metric_catalogue.unit IS 'Its unit.';
COMMENT ON COLUMN fleet.metric_catalogue.since IS 'The product''s version in which it first appeared; null where that is not known.';
COMMENT ON COLUMN fleet.metric_catalogue.about IS 'What it counts or measures.';

CREATE VIEW fleet.dropped_properties AS
SELECT l.product, s.event, k.key, sum(r.reports)::bigint AS reports,
       min(r.first) AS first_seen_at, max(r.last) AS last_seen_at
  FROM (SELECT origin_id, snapshot_id, count(*) AS reports, min(observed_at) AS first, max(observed_at) AS last
          FROM public.report GROUP BY origin_id, snapshot_id) r
  JOIN public.origin l USING (origin_id)
  JOIN (SELECT snapshot_id, 'health' AS event, dropped FROM public.health_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, 'package_list' AS event, dropped FROM public.package_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, 'mesos_track' AS event, dropped FROM public.framework_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, action AS event, dropped FROM public.ui_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, event AS event, dropped FROM public.metric_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, event AS event, dropped FROM public.error_snapshot WHERE dropped <> '{}') s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.dropped) AS k(key)
 GROUP BY l.product, s.event, k.key;
COMMENT ON VIEW fleet.dropped_properties IS 'One row per property of an event whose text no rule allows: it was dropped, and only its name counted.';
COMMENT ON COLUMN fleet.dropped_properties.product IS 'The product.';
COMMENT ON COLUMN fleet.dropped_properties.event IS 'The kind of event.';
COMMENT ON COLUMN fleet.dropped_properties.key IS 'The name of the property; numbers in it are *, and what is no name is its length in brackets.';
COMMENT ON COLUMN fleet.dropped_properties.reports IS 'How many stored events had it.';
COMMENT ON COLUMN fleet.dropped_properties.first_seen_at IS 'The earliest observation.';
COMMENT ON COLUMN fleet.dropped_properties.last_seen_at IS 'The latest observation.';
