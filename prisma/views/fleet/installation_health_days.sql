-- Aggregates each snapshot in a subquery: the installations of a day share a few.
CREATE OR REPLACE VIEW fleet.installation_health_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version,
       u.units, u.unhealthy_units, u.total, u.unhealthy
  FROM public.installation_day d
  JOIN public.origin o USING (origin_id)
  JOIN public.health_snapshot s ON s.snapshot_id = d.health_id
 CROSS JOIN LATERAL (
       SELECT count(*)::int AS units, (count(*) FILTER (WHERE unhealthy > 0))::int AS unhealthy_units,
              sum(total) AS total, sum(unhealthy) AS unhealthy
         FROM unnest(s.totals, s.unhealthy) AS u(total, unhealthy)) u;

COMMENT ON VIEW fleet.installation_health_days IS 'One row per installation and day: its health in the last health report of the day. Kept longer than the reports. Query a day, a few days, or one installation.';
COMMENT ON COLUMN fleet.installation_health_days.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_health_days.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installation_health_days.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.installation_health_days.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.installation_health_days.units IS 'The number of its units.';
COMMENT ON COLUMN fleet.installation_health_days.unhealthy_units IS 'Units that are unhealthy on at least one node.';
COMMENT ON COLUMN fleet.installation_health_days.total IS 'Nodes that run its units; a node counts once per unit.';
COMMENT ON COLUMN fleet.installation_health_days.unhealthy IS 'Of these, the nodes on which the unit is unhealthy.';
