-- Rollups: what the fleet did on each day (UTC), kept up to date from what has changed. First a row for
-- each installation and day, then from these, and from nothing else, a day's sums, which name nobody.

-- Who changes reports marks the days of their observations, in the same transaction. Only ever added to,
-- and without a key, so that no writer waits for another; refreshes take the marks away.
CREATE TABLE rollup_change (
  day  date NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);

-- What no longer is what it is made of. part: 0 the rows of installation_day, while a day whose marks were
-- taken away is read; 1 fleet_day, 2 all other sums.
CREATE TABLE rollup_stale (
  day   date     NOT NULL,
  part  smallint NOT NULL,
  PRIMARY KEY (day, part)
);

-- The days that the rollups do not show as they are: few, and so the planner is told, which would else read
-- all reports to find theirs. Analysts call it through views, and see the days and nothing else.
CREATE FUNCTION changed_days() RETURNS SETOF date
LANGUAGE plpgsql STABLE ROWS 2 SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT day FROM rollup_change UNION SELECT day FROM rollup_stale WHERE part = 0;
END $$;

CREATE TABLE rollup_state (
  only_one       boolean        PRIMARY KEY DEFAULT true CHECK (only_one),
  -- Whatever was committed before is in the rollups.
  complete_until timestamptz(3),
  -- When the last refresh ended, and how long it took: the next one lets the machine rest for a multiple.
  refreshed_at   timestamptz(3),
  duration_ms    integer        NOT NULL DEFAULT 0
);
INSERT INTO rollup_state DEFAULT VALUES;

-- The first day from which on all reports of a product are still there. Earlier days of its
-- installations stay as they are. Whoever drops reports raises it in the same transaction.
CREATE TABLE retention_floor (
  product  text PRIMARY KEY,
  day      date NOT NULL
);

-- How often installations report, as products declare it. Written anew at each start.
CREATE TABLE product_cadence (
  product            text    PRIMARY KEY,
  reports_every      text    NOT NULL,  -- hour, day or event
  silent_after_days  integer NOT NULL
);

-- One row for each installation and day on which it sent something, as narrow as can be: 100 bytes for
-- one that reports its health. Rows are updated all day long: room on the page keeps that heap-only.
CREATE TABLE installation_day (
  installation_id   uuid     NOT NULL,
  -- The contents of the day's last report of each kind that tells a state.
  health_id         uuid,
  package_id        uuid,
  framework_id      uuid,
  metric_id         uuid,
  day               date     NOT NULL,
  origin_id         integer  NOT NULL,  -- of the last report that is not of a UI; of a UI's where there is no other
  reports           integer  NOT NULL,
  hours             integer  NOT NULL,  -- bit 0 is set where it reported between 0:00 and 1:00, and so on
  first_ms          integer  NOT NULL,  -- since midnight
  last_ms           integer  NOT NULL,
  ui_users          integer,
  ui_logins         integer,
  ui_logouts        integer,
  ui_page_views     integer,
  -- The figures of the day's last report that has some.
  agents_active     integer,
  agents_connected  integer,
  task_count        integer,
  framework_count   integer,
  cpu_total         double precision,
  cpu_used          double precision,
  cpu_percent       double precision,
  mem_total_mb      double precision,
  mem_used_mb       double precision,
  disk_total_mb     double precision,
  disk_used_mb      double precision,
  product           text     NOT NULL,
  PRIMARY KEY (installation_id, product, day)
) WITH (fillfactor = 90);
CREATE INDEX installation_day_day_idx ON installation_day USING brin (day)
  WITH (pages_per_range = 16, autosummarize = on);

-- Its usage events and errors of that day, counted by content and origin: the arrays run in parallel.
CREATE TABLE installation_day_events (
  installation_id  uuid      NOT NULL,
  day              date      NOT NULL,
  contents         uuid[]    NOT NULL,
  origins          integer[] NOT NULL,
  counts           integer[] NOT NULL,
  product          text      NOT NULL,
  PRIMARY KEY (installation_id, product, day)
);
CREATE INDEX installation_day_events_day_idx ON installation_day_events USING brin (day);

-- The latest report of each installation of every kind that tells a state (kind 0: the latest figures of
-- its resources), as of the last refresh.
CREATE TABLE installation_latest (
  installation_id  uuid           NOT NULL,
  snapshot_id      uuid,
  event_key        bigint         NOT NULL,
  received_at      timestamptz(3) NOT NULL,
  observed_at      timestamptz(3) NOT NULL,
  origin_id        integer        NOT NULL,
  kind             smallint       NOT NULL,
  product          text           NOT NULL,
  PRIMARY KEY (installation_id, product, kind)
) WITH (fillfactor = 85);

-- An installation's life, by the days on which it sent something.
CREATE TABLE installation_life (
  installation_id  uuid    NOT NULL,
  first_day        date    NOT NULL,
  last_day         date    NOT NULL,
  first_origin_id  integer NOT NULL,
  last_origin_id   integer NOT NULL,
  active_days      integer NOT NULL,
  returns          integer NOT NULL,  -- how often it reported again after it had counted as silent
  is_stale         boolean NOT NULL DEFAULT true,
  product          text    NOT NULL,
  PRIMARY KEY (installation_id, product)
) WITH (fillfactor = 85);

-- Rows of installation_day go under the lock that refreshes hold, and leave behind which sums are no
-- longer theirs: so whoever erases an installation need not know of any.
CREATE FUNCTION lock_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7204110387);
  RETURN NULL;
END $$;
CREATE TRIGGER installation_day_is_locked BEFORE DELETE ON installation_day
  FOR EACH STATEMENT EXECUTE FUNCTION lock_rollups();

-- The days whose sums in fleet_day an installation has a part in by being there on a day, or not: that
-- day, those on which it would count as silent but for it, and the next one, on which it returns.
CREATE FUNCTION days_around(installation uuid, of_product text, on_day date) RETURNS SETOF date
LANGUAGE sql STABLE AS $$
  WITH silent AS (
    SELECT coalesce((SELECT c.silent_after_days FROM product_cadence c WHERE c.product = of_product), 3) AS days),
  around AS (
    SELECT (SELECT max(d.day) FROM installation_day d WHERE d.installation_id = installation
               AND d.product = of_product AND d.day < on_day) AS previous,
           (SELECT min(d.day) FROM installation_day d WHERE d.installation_id = installation
               AND d.product = of_product AND d.day > on_day) AS next)
  SELECT on_day
   UNION SELECT on_day + silent.days FROM silent
   UNION SELECT around.previous + silent.days FROM around, silent WHERE around.previous IS NOT NULL
   UNION SELECT around.next FROM around WHERE around.next IS NOT NULL
$$;

CREATE FUNCTION mark_stale_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO rollup_stale (day, part)
  SELECT DISTINCT a.day, 1 FROM gone g CROSS JOIN LATERAL days_around(g.installation_id, g.product, g.day) AS a(day)
   UNION SELECT DISTINCT g.day, 2 FROM gone g
      ON CONFLICT DO NOTHING;
  UPDATE installation_life l SET is_stale = true
    FROM (SELECT DISTINCT installation_id, product FROM gone) g
   WHERE l.installation_id = g.installation_id AND l.product = g.product AND NOT l.is_stale;
  RETURN NULL;
END $$;
CREATE TRIGGER installation_day_is_summed AFTER DELETE ON installation_day
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION mark_stale_rollups();

-- The contents that rollups show although no report may point at them any more: they are not collected.
CREATE VIEW rolled_up_snapshot AS
SELECT s.snapshot_id
  FROM installation_day d
 CROSS JOIN LATERAL (VALUES (d.health_id), (d.package_id), (d.framework_id), (d.metric_id)) AS s(snapshot_id)
 WHERE s.snapshot_id IS NOT NULL
 UNION ALL
SELECT snapshot_id FROM installation_latest WHERE snapshot_id IS NOT NULL
 UNION ALL
SELECT s.snapshot_id FROM installation_day_events e CROSS JOIN LATERAL unnest(e.contents) AS s(snapshot_id);

-- The sums of a day. Texts are empty where nothing was said.
CREATE TABLE fleet_day (
  day              date    NOT NULL,
  product          text    NOT NULL,
  version          text    NOT NULL,
  active           integer NOT NULL,
  born             integer NOT NULL,
  returned         integer NOT NULL,
  gone_silent      integer NOT NULL,
  reports          bigint  NOT NULL,
  reporting_hours  bigint  NOT NULL,
  PRIMARY KEY (day, product, version)
);
CREATE TABLE mix_day (
  day            date    NOT NULL,
  product        text    NOT NULL,
  version        text    NOT NULL,
  variant        text    NOT NULL,
  provider       text    NOT NULL,
  platform       text    NOT NULL,
  installations  integer NOT NULL,
  PRIMARY KEY (day, product, version, variant, provider, platform)
);
CREATE TABLE unit_day (
  day                      date    NOT NULL,
  product                  text    NOT NULL,
  version                  text    NOT NULL,
  unit                     text    NOT NULL,
  unit_type                text    NOT NULL,
  installations            integer NOT NULL,
  unhealthy_installations  integer NOT NULL,
  total                    bigint  NOT NULL,
  unhealthy                bigint  NOT NULL,
  PRIMARY KEY (day, product, version, unit, unit_type)
);
CREATE TABLE package_day (
  day              date    NOT NULL,
  product          text    NOT NULL,
  version          text    NOT NULL,
  package          text    NOT NULL,
  package_version  text    NOT NULL,
  installations    integer NOT NULL,
  instances        bigint  NOT NULL,
  PRIMARY KEY (day, product, version, package, package_version)
);
CREATE TABLE framework_day (
  day            date    NOT NULL,
  product        text    NOT NULL,
  version        text    NOT NULL,
  framework      text    NOT NULL,
  installations  integer NOT NULL,
  instances      bigint  NOT NULL,
  PRIMARY KEY (day, product, version, framework)
);
CREATE TABLE metric_day (
  day            date             NOT NULL,
  product        text             NOT NULL,
  version        text             NOT NULL,
  event          text             NOT NULL,
  metric         text             NOT NULL,
  dimension      text             NOT NULL,
  installations  integer          NOT NULL,
  total          double precision NOT NULL,
  least          double precision NOT NULL,
  median         double precision NOT NULL,
  p90            double precision NOT NULL,
  greatest       double precision NOT NULL,
  PRIMARY KEY (day, product, version, event, metric, dimension)
);
CREATE TABLE capacity_day (
  day            date             NOT NULL,
  product        text             NOT NULL,
  version        text             NOT NULL,
  figure         text             NOT NULL,
  bucket         smallint         NOT NULL,  -- 1 below 1/8, then a power of two each
  installations  integer          NOT NULL,
  total          double precision NOT NULL,
  PRIMARY KEY (day, product, version, figure, bucket)
);
CREATE TABLE usage_day (
  day            date    NOT NULL,
  product        text    NOT NULL,
  version        text    NOT NULL,
  event          text    NOT NULL,
  outcome        text    NOT NULL,
  installations  integer NOT NULL,
  events         bigint  NOT NULL,
  PRIMARY KEY (day, product, version, event, outcome)
);
CREATE TABLE counter_day (
  day            date             NOT NULL,
  product        text             NOT NULL,
  version        text             NOT NULL,
  event          text             NOT NULL,
  outcome        text             NOT NULL,
  counter        text             NOT NULL,
  dimension      text             NOT NULL,
  installations  integer          NOT NULL,
  events         bigint           NOT NULL,
  total          double precision NOT NULL,
  PRIMARY KEY (day, product, version, event, outcome, counter, dimension)
);
CREATE TABLE error_day (
  day            date    NOT NULL,
  product        text    NOT NULL,
  version        text    NOT NULL,
  event          text    NOT NULL,
  error_kind     text    NOT NULL,
  fingerprint    text    NOT NULL,
  message        text    NOT NULL,
  installations  integer NOT NULL,
  reports        bigint  NOT NULL,
  occurrences    bigint  NOT NULL,
  PRIMARY KEY (day, product, version, fingerprint)
);
CREATE TABLE ui_day (
  day            date    NOT NULL,
  product        text    NOT NULL,
  version        text    NOT NULL,
  installations  integer NOT NULL,
  users          bigint  NOT NULL,
  logins         bigint  NOT NULL,
  logouts        bigint  NOT NULL,
  page_views     bigint  NOT NULL,
  PRIMARY KEY (day, product, version)
);

-- Every view of what is current looked at all reports. The latest one of an installation is the one that
-- was the latest when rollups were last refreshed, or one of a day that has changed since.
CREATE VIEW latest_report AS
SELECT DISTINCT ON (installation_id, product, kind)
       installation_id, product, kind, origin_id, observed_at, received_at, snapshot_id
  FROM (SELECT l.installation_id, l.product, l.kind, l.origin_id, l.observed_at, l.received_at, l.snapshot_id, l.event_key
          FROM installation_latest l
          LEFT JOIN retention_floor f ON f.product = l.product
         WHERE l.kind > 0
           AND (f.day IS NULL OR l.observed_at >= f.day::timestamp AT TIME ZONE 'UTC')
           AND NOT EXISTS (SELECT FROM changed_days() AS c(day) WHERE c.day = (l.observed_at AT TIME ZONE 'UTC')::date)
         UNION ALL
        SELECT r.installation_id, o.product, r.kind, r.origin_id, r.observed_at, r.received_at, r.snapshot_id, r.event_key
          FROM changed_days() AS c(day)
          JOIN report r ON r.observed_at >= c.day::timestamp AT TIME ZONE 'UTC'
                       AND r.observed_at < (c.day + 1)::timestamp AT TIME ZONE 'UTC'
          JOIN origin o USING (origin_id)
         WHERE r.kind IN (1, 2, 3, 7)) r
 ORDER BY installation_id, product, kind, observed_at DESC, event_key DESC;

CREATE OR REPLACE VIEW fleet.current_health AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 1) r
  JOIN public.health_snapshot s USING (snapshot_id)
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
       AS u(unit, unit_type, total, unhealthy);
CREATE OR REPLACE VIEW fleet.current_packages AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       p.package, nullif(p.version, '') AS version, p.instances
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 3) r
  JOIN public.package_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances);
CREATE OR REPLACE VIEW fleet.current_frameworks AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       f.framework, f.instances
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 2) r
  JOIN public.framework_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances);
CREATE OR REPLACE VIEW fleet.current_metrics AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value, d.unit, d.metric IS NOT NULL AS is_known
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 7) r
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
  LEFT JOIN public.metric_definition d
         ON d.product = r.product AND d.event = s.event AND d.metric = m.metric;
CREATE OR REPLACE VIEW fleet.current_resources AS
SELECT DISTINCT ON (installation_id, product)
       installation_id, product, nullif(version, '') AS product_version, observed_at, received_at,
       cpu_total, cpu_used, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb,
       agents_active, agents_connected, task_count, framework_count, cpu_percent
  FROM (SELECT r.*, o.product, o.version
          FROM public.installation_latest l
          JOIN public.resource_reading r USING (installation_id, event_key, received_at)
          JOIN public.origin o ON o.origin_id = r.origin_id
         WHERE l.kind = 0
           AND NOT EXISTS (SELECT FROM public.changed_days() AS c(day) WHERE c.day = (l.observed_at AT TIME ZONE 'UTC')::date)
         UNION ALL
        SELECT r.*, o.product, o.version
          FROM public.changed_days() AS c(day)
          JOIN public.resource_reading r ON r.observed_at >= c.day::timestamp AT TIME ZONE 'UTC'
                                        AND r.observed_at < (c.day + 1)::timestamp AT TIME ZONE 'UTC'
          JOIN public.origin o ON o.origin_id = r.origin_id) r
 ORDER BY installation_id, product, observed_at DESC, event_key DESC;

CREATE VIEW fleet.daily_fleet AS
SELECT day, product, nullif(version, '') AS product_version, active, born, returned,
       CASE WHEN day < (now() AT TIME ZONE 'UTC')::date THEN gone_silent END AS gone_silent, reports, reporting_hours
  FROM public.fleet_day
 WHERE day <= (now() AT TIME ZONE 'UTC')::date + 1 AND (active > 0 OR day <= (now() AT TIME ZONE 'UTC')::date);
COMMENT ON VIEW fleet.daily_fleet IS 'One row per day, product and version: how many installations there were, came and went. Right under late events: they change the day on which they happened.';
COMMENT ON COLUMN fleet.daily_fleet.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_fleet.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_fleet.product_version IS 'The version that the installation''s last report of the day named (of one that has gone silent, the last report that there was); null when it named none.';
COMMENT ON COLUMN fleet.daily_fleet.active IS 'Installations that sent something that was stored: a report or an event.';
COMMENT ON COLUMN fleet.daily_fleet.born IS 'Of the active ones, those that had never sent anything before.';
COMMENT ON COLUMN fleet.daily_fleet.returned IS 'Of the active ones, those that had counted as silent.';
COMMENT ON COLUMN fleet.daily_fleet.gone_silent IS 'Installations that count as silent from this day on: their last sign of life was as many days ago as fleet.product_cadences says for the product. Silent is not dead: they may return. Null while the day is not over.';
COMMENT ON COLUMN fleet.daily_fleet.reports IS 'Stored reports and events.';
COMMENT ON COLUMN fleet.daily_fleet.reporting_hours IS 'Hours in which an installation reported, summed up: active * 24 where every installation reports hourly and none failed to.';

CREATE VIEW fleet.product_cadences AS
SELECT product, reports_every, silent_after_days FROM public.product_cadence;
COMMENT ON VIEW fleet.product_cadences IS 'One row per product: how often its installations report, and when one of them counts as silent.';
COMMENT ON COLUMN fleet.product_cadences.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.product_cadences.reports_every IS 'How often an installation reports: hour, day, or event for products that report only what happens.';
COMMENT ON COLUMN fleet.product_cadences.silent_after_days IS 'The days without a sign of life after which an installation counts as silent. For a product that is not listed: 3.';

CREATE VIEW fleet.installation_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version, nullif(o.variant, '') AS variant,
       nullif(o.provider, '') AS provider, nullif(o.platform, '') AS platform,
       d.reports, bit_count(d.hours::bit(24))::int AS reporting_hours,
       d.day::timestamp AT TIME ZONE 'UTC' + d.first_ms * interval '1 millisecond' AS first_observed_at,
       d.day::timestamp AT TIME ZONE 'UTC' + d.last_ms * interval '1 millisecond' AS last_observed_at,
       d.cpu_total, d.cpu_used, d.cpu_percent, d.mem_total_mb, d.mem_used_mb, d.disk_total_mb, d.disk_used_mb,
       d.agents_active, d.agents_connected, d.task_count, d.framework_count,
       coalesce(d.ui_users, 0) AS ui_users, coalesce(d.ui_logins, 0) AS ui_logins,
       coalesce(d.ui_logouts, 0) AS ui_logouts, coalesce(d.ui_page_views, 0) AS ui_page_views
  FROM public.installation_day d JOIN public.origin o USING (origin_id);
COMMENT ON VIEW fleet.installation_days IS 'One row per installation, product and day on which it sent something. Kept longer than the reports themselves.';
COMMENT ON COLUMN fleet.installation_days.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_days.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installation_days.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.installation_days.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.installation_days.variant IS 'The variant of the product, by the last report of the day; null where it names none.';
COMMENT ON COLUMN fleet.installation_days.provider IS 'Where it runs, by the last report of the day; null where it says nothing.';
COMMENT ON COLUMN fleet.installation_days.platform IS 'The platform, by the last report of the day; null where it names none.';
COMMENT ON COLUMN fleet.installation_days.reports IS 'Stored reports and events.';
COMMENT ON COLUMN fleet.installation_days.reporting_hours IS 'In how many of the 24 hours it sent something. Several masters that report in the same hour are one.';
COMMENT ON COLUMN fleet.installation_days.first_observed_at IS 'The first observation of the day.';
COMMENT ON COLUMN fleet.installation_days.last_observed_at IS 'The last observation of the day.';
COMMENT ON COLUMN fleet.installation_days.cpu_total IS 'CPUs available, in cores. This and the other resources are of the last report of the day that has some; null where it gave none.';
COMMENT ON COLUMN fleet.installation_days.cpu_used IS 'CPUs allocated, in cores.';
COMMENT ON COLUMN fleet.installation_days.cpu_percent IS 'CPU in use on average, in percent of the whole machine; null where the product tells cores instead.';
COMMENT ON COLUMN fleet.installation_days.mem_total_mb IS 'Memory available, in MB.';
COMMENT ON COLUMN fleet.installation_days.mem_used_mb IS 'Memory allocated, in MB.';
COMMENT ON COLUMN fleet.installation_days.disk_total_mb IS 'Disk space available, in MB.';
COMMENT ON COLUMN fleet.installation_days.disk_used_mb IS 'Disk space allocated, in MB.';
COMMENT ON COLUMN fleet.installation_days.agents_active IS 'Active agent nodes.';
COMMENT ON COLUMN fleet.installation_days.agents_connected IS 'Connected agent nodes.';
COMMENT ON COLUMN fleet.installation_days.task_count IS 'Running tasks.';
COMMENT ON COLUMN fleet.installation_days.framework_count IS 'Installed frameworks, as the agent counts them.';
COMMENT ON COLUMN fleet.installation_days.ui_users IS 'Different users of its web UI.';
COMMENT ON COLUMN fleet.installation_days.ui_logins IS 'Logins to its web UI.';
COMMENT ON COLUMN fleet.installation_days.ui_logouts IS 'Logouts from its web UI.';
COMMENT ON COLUMN fleet.installation_days.ui_page_views IS 'Page views of its web UI; one that a browser sends again within two seconds is one.';

CREATE VIEW fleet.installation_lives AS
SELECT l.installation_id, l.product, l.first_day, nullif(f.version, '') AS first_version,
       l.last_day, nullif(o.version, '') AS last_version, l.active_days, l.returns,
       l.last_day + coalesce(c.silent_after_days, 3) < (now() AT TIME ZONE 'UTC')::date AS is_silent
  FROM public.installation_life l
  JOIN public.origin f ON f.origin_id = l.first_origin_id
  JOIN public.origin o ON o.origin_id = l.last_origin_id
  LEFT JOIN public.product_cadence c ON c.product = l.product;
COMMENT ON VIEW fleet.installation_lives IS 'One row per installation and product: from its first day to its last, for cohorts.';
COMMENT ON COLUMN fleet.installation_lives.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_lives.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installation_lives.first_day IS 'The first day (UTC) on which it sent something: its birth, as far as Muster knows.';
COMMENT ON COLUMN fleet.installation_lives.first_version IS 'The product''s version on that day; null when it named none.';
COMMENT ON COLUMN fleet.installation_lives.last_day IS 'The last day (UTC) on which it sent something.';
COMMENT ON COLUMN fleet.installation_lives.last_version IS 'The product''s version on that day; null when it named none.';
COMMENT ON COLUMN fleet.installation_lives.active_days IS 'On how many days it sent something.';
COMMENT ON COLUMN fleet.installation_lives.returns IS 'How often it sent something again after it had counted as silent.';
COMMENT ON COLUMN fleet.installation_lives.is_silent IS 'Whether it counts as silent today; see fleet.product_cadences. Silent is not dead: it may return.';

CREATE VIEW fleet.freshness AS
SELECT i.product, s.complete_until, now() - s.complete_until AS lag, p.days AS pending_days,
       t.hour AS last_received_hour, i.last_observed_at, f.day AS reports_since, s.refreshed_at
  FROM (SELECT product, max(last_seen_at) AS last_observed_at FROM public.installation GROUP BY product) i
 CROSS JOIN public.rollup_state s
 CROSS JOIN (SELECT count(*) AS days FROM public.changed_days()) p
  LEFT JOIN (SELECT product, max(hour) AS hour FROM public.ingest_tally WHERE stored > 0 GROUP BY product) t
         ON t.product = i.product
  LEFT JOIN public.retention_floor f ON f.product = i.product;
COMMENT ON VIEW fleet.freshness IS 'One row per product: how fresh the daily views are, and how fresh what they are made of is.';
COMMENT ON COLUMN fleet.freshness.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.freshness.complete_until IS 'Everything that was stored before is in the daily views. Null before they were first refreshed.';
COMMENT ON COLUMN fleet.freshness.lag IS 'How long ago that is.';
COMMENT ON COLUMN fleet.freshness.pending_days IS 'Days of any product that have changed since they were last rolled up.';
COMMENT ON COLUMN fleet.freshness.last_received_hour IS 'The beginning of the last hour in which an event was received that is stored.';
COMMENT ON COLUMN fleet.freshness.last_observed_at IS 'The latest observation, by the clocks of the agents.';
COMMENT ON COLUMN fleet.freshness.reports_since IS 'The first day of which all reports are still kept; null where none have been dropped. Earlier days are in the daily views only.';
COMMENT ON COLUMN fleet.freshness.refreshed_at IS 'When the daily views were last refreshed.';

CREATE VIEW fleet.daily_mix AS
SELECT day, product, nullif(version, '') AS product_version, nullif(variant, '') AS variant,
       nullif(provider, '') AS provider, nullif(platform, '') AS platform, installations
  FROM public.mix_day;
COMMENT ON VIEW fleet.daily_mix IS 'One row per day and kind of installation: how many there were of each version, variant, provider and platform.';
COMMENT ON COLUMN fleet.daily_mix.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_mix.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_mix.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_mix.variant IS 'The variant of the product; null where it names none.';
COMMENT ON COLUMN fleet.daily_mix.provider IS 'Where it runs; null where it says nothing.';
COMMENT ON COLUMN fleet.daily_mix.platform IS 'The platform; null where it names none.';
COMMENT ON COLUMN fleet.daily_mix.installations IS 'Active installations of this kind.';

CREATE VIEW fleet.daily_units AS
SELECT day, product, nullif(version, '') AS product_version, unit, nullif(unit_type, '') AS unit_type,
       installations, unhealthy_installations, total, unhealthy
  FROM public.unit_day;
COMMENT ON VIEW fleet.daily_units IS 'One row per day, version and unit: its health by the last health report of the day of each installation.';
COMMENT ON COLUMN fleet.daily_units.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_units.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_units.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_units.unit IS 'The systemd unit, its dots as dashes: dcos-signal-timer.';
COMMENT ON COLUMN fleet.daily_units.unit_type IS 'The systemd type of the unit; null where its name ends in none.';
COMMENT ON COLUMN fleet.daily_units.installations IS 'Installations that have the unit.';
COMMENT ON COLUMN fleet.daily_units.unhealthy_installations IS 'Installations in which it is unhealthy on at least one node.';
COMMENT ON COLUMN fleet.daily_units.total IS 'Nodes that the unit runs on, in all installations.';
COMMENT ON COLUMN fleet.daily_units.unhealthy IS 'Nodes on which it is unhealthy, in all installations. DC/OS 1.8 and 1.10 count every unit of a node with one sick unit: do not compare across versions.';

CREATE VIEW fleet.daily_packages AS
SELECT day, product, nullif(version, '') AS product_version, package, nullif(package_version, '') AS package_version,
       installations, instances
  FROM public.package_day;
COMMENT ON VIEW fleet.daily_packages IS 'One row per day, version, package and its version, by the last package report of the day of each installation.';
COMMENT ON COLUMN fleet.daily_packages.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_packages.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_packages.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_packages.package IS 'The name of the package.';
COMMENT ON COLUMN fleet.daily_packages.package_version IS 'The version of the package; null where the agent named none.';
COMMENT ON COLUMN fleet.daily_packages.installations IS 'Installations that have it.';
COMMENT ON COLUMN fleet.daily_packages.instances IS 'How many times they list it.';

CREATE VIEW fleet.daily_frameworks AS
SELECT day, product, nullif(version, '') AS product_version, framework, installations, instances
  FROM public.framework_day;
COMMENT ON VIEW fleet.daily_frameworks IS 'One row per day, version and framework, by the last Mesos report of the day of each installation.';
COMMENT ON COLUMN fleet.daily_frameworks.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_frameworks.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_frameworks.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_frameworks.framework IS 'The name of the framework, as it registered with Mesos.';
COMMENT ON COLUMN fleet.daily_frameworks.installations IS 'Installations that have it.';
COMMENT ON COLUMN fleet.daily_frameworks.instances IS 'How many times they list it.';

CREATE VIEW fleet.daily_metrics AS
SELECT m.day, m.product, nullif(m.version, '') AS product_version, m.metric, nullif(m.dimension, '') AS dimension,
       m.installations, m.total, m.least, m.median, m.p90, m.greatest, d.unit
  FROM public.metric_day m
  LEFT JOIN public.metric_definition d ON d.product = m.product AND d.event = m.event AND d.metric = m.metric;
COMMENT ON VIEW fleet.daily_metrics IS 'One row per day, version and metric, by the last report of metrics of the day of each installation.';
COMMENT ON COLUMN fleet.daily_metrics.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_metrics.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_metrics.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_metrics.metric IS 'The metric; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.daily_metrics.dimension IS 'The type that the figure is of; null where the metric has none, * for types that have no name here.';
COMMENT ON COLUMN fleet.daily_metrics.installations IS 'Installations that reported it.';
COMMENT ON COLUMN fleet.daily_metrics.total IS 'The sum of their figures. The average is total / installations.';
COMMENT ON COLUMN fleet.daily_metrics.least IS 'The least figure.';
COMMENT ON COLUMN fleet.daily_metrics.median IS 'The figure that half of the installations do not exceed.';
COMMENT ON COLUMN fleet.daily_metrics.p90 IS 'The figure that nine of ten installations do not exceed.';
COMMENT ON COLUMN fleet.daily_metrics.greatest IS 'The greatest figure.';
COMMENT ON COLUMN fleet.daily_metrics.unit IS 'The unit of the figure; null where the metric is unknown.';

CREATE VIEW fleet.daily_capacity AS
SELECT day, product, nullif(version, '') AS product_version, figure,
       CASE WHEN bucket = 1 THEN 0 ELSE power(2.0::double precision, bucket - 5) END AS at_least,
       CASE WHEN bucket < 65 THEN power(2.0::double precision, bucket - 4) END AS below, installations, total
  FROM public.capacity_day;
COMMENT ON VIEW fleet.daily_capacity IS 'One row per day, version, figure and class of size: how many installations are of that size, by the last report of the day that has resources. Classes are powers of two.';
COMMENT ON COLUMN fleet.daily_capacity.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_capacity.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_capacity.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_capacity.figure IS 'cpu_total, cpu_used (cores), cpu_percent, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb (MB), agents_active, agents_connected, task_count or framework_count.';
COMMENT ON COLUMN fleet.daily_capacity.at_least IS 'The least figure of the class.';
COMMENT ON COLUMN fleet.daily_capacity.below IS 'The figure that is too great for the class; null for the last class, which has no end.';
COMMENT ON COLUMN fleet.daily_capacity.installations IS 'Installations whose figure is in the class.';
COMMENT ON COLUMN fleet.daily_capacity.total IS 'The sum of their figures, in the unit of the figure.';

CREATE VIEW fleet.daily_usage AS
SELECT day, product, nullif(version, '') AS product_version, event, nullif(outcome, '') AS outcome, installations, events
  FROM public.usage_day;
COMMENT ON VIEW fleet.daily_usage IS 'One row per day, version, usage event and outcome.';
COMMENT ON COLUMN fleet.daily_usage.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_usage.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_usage.product_version IS 'The product''s version that the event named; null when it named none.';
COMMENT ON COLUMN fleet.daily_usage.event IS 'What happened, as the agent calls it.';
COMMENT ON COLUMN fleet.daily_usage.outcome IS 'How it ended; null where the event tells none.';
COMMENT ON COLUMN fleet.daily_usage.installations IS 'Installations in which it happened.';
COMMENT ON COLUMN fleet.daily_usage.events IS 'How often it happened.';

CREATE VIEW fleet.daily_counters AS
SELECT c.day, c.product, nullif(c.version, '') AS product_version, c.event, nullif(c.outcome, '') AS outcome,
       c.counter, nullif(c.dimension, '') AS dimension, c.installations, c.events, c.total, d.unit
  FROM public.counter_day c
  LEFT JOIN public.metric_definition d ON d.product = c.product AND d.event = c.event AND d.metric = c.counter;
COMMENT ON VIEW fleet.daily_counters IS 'One row per day, version, usage event, outcome and counter: the sums of the figures of usage events.';
COMMENT ON COLUMN fleet.daily_counters.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_counters.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_counters.product_version IS 'The product''s version that the event named; null when it named none.';
COMMENT ON COLUMN fleet.daily_counters.event IS 'What happened, as the agent calls it.';
COMMENT ON COLUMN fleet.daily_counters.outcome IS 'How it ended; null where the event tells none.';
COMMENT ON COLUMN fleet.daily_counters.counter IS 'The figure; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.daily_counters.dimension IS 'The type that the figure is of; null where it has none, * for types that have no name here.';
COMMENT ON COLUMN fleet.daily_counters.installations IS 'Installations whose events had it.';
COMMENT ON COLUMN fleet.daily_counters.events IS 'Events that had it.';
COMMENT ON COLUMN fleet.daily_counters.total IS 'The sum of the figures. The average is total / events.';
COMMENT ON COLUMN fleet.daily_counters.unit IS 'The unit of the figure; null where it is not declared.';

CREATE VIEW fleet.daily_errors AS
SELECT day, product, nullif(version, '') AS product_version, event, nullif(error_kind, '') AS kind, fingerprint,
       nullif(message, '') AS message, installations, reports, occurrences AS count
  FROM public.error_day;
COMMENT ON VIEW fleet.daily_errors IS 'One row per day, version and error.';
COMMENT ON COLUMN fleet.daily_errors.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_errors.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_errors.product_version IS 'The product''s version that the event named; null when it named none.';
COMMENT ON COLUMN fleet.daily_errors.event IS 'The kind of event that reported it, as error.server.';
COMMENT ON COLUMN fleet.daily_errors.kind IS 'The class of the error; null where the agent named none.';
COMMENT ON COLUMN fleet.daily_errors.fingerprint IS 'The same for the same event, kind and message, in all installations and versions.';
COMMENT ON COLUMN fleet.daily_errors.message IS 'What it says, scrubbed; see fleet.error_reports.';
COMMENT ON COLUMN fleet.daily_errors.installations IS 'Installations that had it.';
COMMENT ON COLUMN fleet.daily_errors.reports IS 'Reports of it.';
COMMENT ON COLUMN fleet.daily_errors.count IS 'How many errors the reports stand for.';

CREATE VIEW fleet.daily_ui AS
SELECT day, product, nullif(version, '') AS product_version, installations, users, logins, logouts, page_views
  FROM public.ui_day;
COMMENT ON VIEW fleet.daily_ui IS 'One row per day and version: the use of web UIs.';
COMMENT ON COLUMN fleet.daily_ui.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_ui.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_ui.product_version IS 'The product''s version that the installation''s last report of the day named; null when it named none.';
COMMENT ON COLUMN fleet.daily_ui.installations IS 'Installations whose UI was used.';
COMMENT ON COLUMN fleet.daily_ui.users IS 'Different users: each of an installation counts once a day.';
COMMENT ON COLUMN fleet.daily_ui.logins IS 'Logins.';
COMMENT ON COLUMN fleet.daily_ui.logouts IS 'Logouts.';
COMMENT ON COLUMN fleet.daily_ui.page_views IS 'Page views; one that a browser sends again within two seconds is one.';

-- What there is already is rolled up by the first refreshes.
INSERT INTO rollup_change SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM report;
