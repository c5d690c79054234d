-- Groups by snapshot first: thousands of installations have the same health before and after. OFFSET 0 makes the planner
-- look up each day by its whole key; otherwise it would read all days of an installation.
CREATE OR REPLACE VIEW fleet.daily_upgrade_units AS
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

COMMENT ON VIEW fleet.daily_upgrade_units IS 'One row per day, upgrade and unit that exists before and after it: the unit''s health on the last day before and on the first day after, in the same installations. Query a few weeks.';
COMMENT ON COLUMN fleet.daily_upgrade_units.day IS 'The first day (UTC) that ended with the new version.';
COMMENT ON COLUMN fleet.daily_upgrade_units.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_upgrade_units.from_version IS 'The product version before the upgrade.';
COMMENT ON COLUMN fleet.daily_upgrade_units.to_version IS 'The product version after the upgrade.';
COMMENT ON COLUMN fleet.daily_upgrade_units.unit IS 'The systemd unit, with dashes for dots: dcos-signal-timer.';
COMMENT ON COLUMN fleet.daily_upgrade_units.installations IS 'Installations that made the upgrade and reported the unit''s health before and after it.';
COMMENT ON COLUMN fleet.daily_upgrade_units.unhealthy_before IS 'Of these, installations in which the unit was unhealthy on at least one node in the last report of the last day before the upgrade.';
COMMENT ON COLUMN fleet.daily_upgrade_units.unhealthy_after IS 'The same on the first day after the upgrade.';
