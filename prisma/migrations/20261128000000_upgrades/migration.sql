-- Upgrades, found once instead of by every question; how many descriptions an installation had on a day; the
-- properties that were left out, summed up; and rollups that are let go of after their time.

-- One clock that is ahead widens the range of blocks that its report is in, and a day's question reads them all: so ranges
-- are small. They are summarised when the next one begins, and not when a table of millions is vacuumed.
DROP INDEX report_observed_at_idx, resource_reading_observed_at_idx, ui_reading_observed_at_idx;
CREATE INDEX report_observed_at_idx ON report USING brin (observed_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX resource_reading_observed_at_idx ON resource_reading USING brin (observed_at)
  WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX ui_reading_observed_at_idx ON ui_reading USING brin (observed_at) WITH (pages_per_range = 32, autosummarize = on);

-- Nothing is known any more of the days before; null where none have been let go of.
ALTER TABLE rollup_state ADD COLUMN days_since date;

-- The descriptions (origins) that its reports of the day have, a UI's left out; null on days of before.
ALTER TABLE installation_day ADD COLUMN origins smallint;
CREATE INDEX installation_day_several_idx ON installation_day (day) WHERE origins > 1;

-- Of a day on which an installation has another version than on the last day before that had one.
CREATE TABLE installation_upgrade (
  installation_id  uuid    NOT NULL,
  day              date    NOT NULL,
  previous_day     date    NOT NULL,
  next_day         date,
  from_origin_id   integer NOT NULL,
  to_origin_id     integer NOT NULL,
  product          text    NOT NULL,
  PRIMARY KEY (installation_id, product, day)
);
CREATE INDEX installation_upgrade_day_idx ON installation_upgrade (day);

CREATE TABLE dropped_day (
  day            date    NOT NULL,
  product        text    NOT NULL,
  version        text    NOT NULL,
  event          text    NOT NULL,
  key            text    NOT NULL,
  installations  integer NOT NULL,
  PRIMARY KEY (day, product, version, event, key)
);

-- Metrics are summed up apart (part 3): their medians are the only ones that an installation cannot be taken
-- out of. Whoever takes its part out of all sums, as an erasure does, says so and leaves no marks.
CREATE OR REPLACE FUNCTION mark_stale_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('muster.sums_are_corrected', true) = 'on' THEN
    RETURN NULL;
  END IF;
  INSERT INTO rollup_stale (day, part)
  SELECT DISTINCT a.day, 1 FROM gone g CROSS JOIN LATERAL days_around(g.installation_id, g.product, g.day) AS a(day)
   UNION SELECT DISTINCT g.day, p FROM gone g CROSS JOIN unnest(ARRAY[2, 3]) AS p
      ON CONFLICT DO NOTHING;
  UPDATE installation_life l SET is_stale = true
    FROM (SELECT DISTINCT installation_id, product FROM gone) g
   WHERE l.installation_id = g.installation_id AND l.product = g.product AND NOT l.is_stale;
  RETURN NULL;
END $$;

-- A left join that nobody needs is left out: who does not ask for the version does not wait for it.
CREATE OR REPLACE VIEW fleet.installation_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version, nullif(o.variant, '') AS variant,
       nullif(o.provider, '') AS provider, nullif(o.platform, '') AS platform,
       d.reports, bit_count(d.hours::bit(24))::int AS reporting_hours,
       d.day::timestamp AT TIME ZONE 'UTC' + d.first_ms * interval '1 millisecond' AS first_observed_at,
       d.day::timestamp AT TIME ZONE 'UTC' + d.last_ms * interval '1 millisecond' AS last_observed_at,
       d.cpu_total, d.cpu_used, d.cpu_percent, d.mem_total_mb, d.mem_used_mb, d.disk_total_mb, d.disk_used_mb,
       d.agents_active, d.agents_connected, d.task_count, d.framework_count,
       coalesce(d.ui_users, 0) AS ui_users, coalesce(d.ui_logins, 0) AS ui_logins,
       coalesce(d.ui_logouts, 0) AS ui_logouts, coalesce(d.ui_page_views, 0) AS ui_page_views,
       d.origins AS descriptions
  FROM public.installation_day d LEFT JOIN public.origin o USING (origin_id);
COMMENT ON COLUMN fleet.installation_days.descriptions IS 'How many descriptions (version, variant, provider, platform and source together) its reports of the day have, those of a web UI left out: 2 on a day of an upgrade; more than 1 on many days where two installations share a GUID. Null on days that were summed up before this was counted and whose reports are gone.';

CREATE OR REPLACE VIEW fleet.installation_lives AS
SELECT l.installation_id, l.product, l.first_day, nullif(f.version, '') AS first_version,
       l.last_day, nullif(o.version, '') AS last_version, l.active_days, l.returns,
       l.last_day + coalesce(c.silent_after_days, 3) < (now() AT TIME ZONE 'UTC')::date AS is_silent
  FROM public.installation_life l
  LEFT JOIN public.origin f ON f.origin_id = l.first_origin_id
  LEFT JOIN public.origin o ON o.origin_id = l.last_origin_id
  LEFT JOIN public.product_cadence c ON c.product = l.product;
COMMENT ON COLUMN fleet.installation_lives.active_days IS 'On how many days it sent something, of those that are kept (ROLLUP_RETENTION_DAYS).';
COMMENT ON COLUMN fleet.installation_lives.returns IS 'How often it sent something again after it had counted as silent, on days that are kept.';

CREATE VIEW fleet.installation_upgrades AS
SELECT u.installation_id, u.product, u.day, f.version AS from_version, t.version AS to_version,
       u.previous_day, u.next_day
  FROM public.installation_upgrade u
  JOIN public.origin f ON f.origin_id = u.from_origin_id
  JOIN public.origin t ON t.origin_id = u.to_origin_id;
COMMENT ON VIEW fleet.installation_upgrades IS 'One row per installation and day on which its version is another than on the last day before: upgrades, and downgrades. Days on which it named no version are left out.';
COMMENT ON COLUMN fleet.installation_upgrades.installation_id IS 'The GUID of the installation: as it shows it itself, or derived from that where its own would tell the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_upgrades.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.installation_upgrades.day IS 'The first day that ended with the new version, in UTC.';
COMMENT ON COLUMN fleet.installation_upgrades.from_version IS 'The product''s version on the last day before on which it named one.';
COMMENT ON COLUMN fleet.installation_upgrades.to_version IS 'The product''s version on this day: that of its last report.';
COMMENT ON COLUMN fleet.installation_upgrades.previous_day IS 'The last day before on which it named a version.';
COMMENT ON COLUMN fleet.installation_upgrades.next_day IS 'The first day after on which it named a version; null where there is none yet.';

-- By contents first: thousands of installations say the same before and after. OFFSET 0 has each day looked up by
-- its whole key; the planner would else read all days of an installation.
CREATE VIEW fleet.daily_upgrade_units AS
SELECT c.day, c.product, c.from_version, c.to_version, u.unit, sum(c.installations)::int AS installations,
       coalesce(sum(c.installations) FILTER (WHERE u.unhealthy_before > 0), 0)::int AS unhealthy_before,
       coalesce(sum(c.installations) FILTER (WHERE u.unhealthy_after > 0), 0)::int AS unhealthy_after
  FROM (SELECT u.day, u.product, f.version AS from_version, t.version AS to_version,
               b.health_id AS before_id, a.health_id AS after_id, count(*)::int AS installations
          FROM public.installation_upgrade u
          JOIN public.origin f ON f.origin_id = u.from_origin_id
          JOIN public.origin t ON t.origin_id = u.to_origin_id
         CROSS JOIN LATERAL (
               SELECT d.health_id FROM public.installation_day d
                WHERE d.installation_id = u.installation_id AND d.product = u.product AND d.day = u.previous_day OFFSET 0) b
         CROSS JOIN LATERAL (
               SELECT d.health_id FROM public.installation_day d
                WHERE d.installation_id = u.installation_id AND d.product = u.product AND d.day = u.next_day OFFSET 0) a
         WHERE b.health_id IS NOT NULL AND a.health_id IS NOT NULL
         GROUP BY u.day, u.product, f.version, t.version, b.health_id, a.health_id) c
  JOIN public.health_snapshot sb ON sb.snapshot_id = c.before_id
  JOIN public.unit_set ub ON ub.unit_set_id = sb.unit_set_id
  JOIN public.health_snapshot sa ON sa.snapshot_id = c.after_id
  JOIN public.unit_set ua ON ua.unit_set_id = sa.unit_set_id
 CROSS JOIN LATERAL (
       SELECT unit, o.unhealthy AS unhealthy_before, n.unhealthy AS unhealthy_after
         FROM unnest(ub.units, sb.unhealthy) AS o(unit, unhealthy)
         JOIN unnest(ua.units, sa.unhealthy) AS n(unit, unhealthy) USING (unit)) u
 GROUP BY c.day, c.product, c.from_version, c.to_version, u.unit;
COMMENT ON VIEW fleet.daily_upgrade_units IS 'One row per day, upgrade and unit that there is before and after: its health on the last day before against the first day after, of the same installations. Ask for some weeks.';
COMMENT ON COLUMN fleet.daily_upgrade_units.day IS 'The first day that ended with the new version, in UTC.';
COMMENT ON COLUMN fleet.daily_upgrade_units.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_upgrade_units.from_version IS 'The product''s version before.';
COMMENT ON COLUMN fleet.daily_upgrade_units.to_version IS 'The product''s version after.';
COMMENT ON COLUMN fleet.daily_upgrade_units.unit IS 'The systemd unit, its dots as dashes: dcos-signal-timer.';
COMMENT ON COLUMN fleet.daily_upgrade_units.installations IS 'Installations that made the upgrade, and told their health before and after it.';
COMMENT ON COLUMN fleet.daily_upgrade_units.unhealthy_before IS 'Of these, those in which the unit was unhealthy on at least one node on the last day before, by the day''s last report.';
COMMENT ON COLUMN fleet.daily_upgrade_units.unhealthy_after IS 'The same on the first day after.';

CREATE OR REPLACE VIEW fleet.daily_dropped_properties AS
SELECT day, product, nullif(version, '') AS product_version, event, key, installations
  FROM public.dropped_day;
COMMENT ON VIEW fleet.daily_dropped_properties IS 'One row per day, version, event and property whose text was left out, by the last report of each kind of the day, and all usage events and errors. Those of a web UI are in fleet.dropped_properties only.';

-- Read what there is again, as far as its reports are there.
INSERT INTO rollup_change SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM report;
INSERT INTO rollup_stale (day, part) SELECT DISTINCT day, 2 FROM installation_day ON CONFLICT DO NOTHING;
UPDATE installation_life SET is_stale = true;
