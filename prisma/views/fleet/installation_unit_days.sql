CREATE OR REPLACE VIEW fleet.installation_unit_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM public.installation_day d
  JOIN public.origin o USING (origin_id)
  JOIN public.health_snapshot s ON s.snapshot_id = d.health_id
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy) AS u(unit, unit_type, total, unhealthy);

COMMENT ON VIEW fleet.installation_unit_days IS 'One row per installation, day and unit, from the last health report of the day: reports of several masters and hours are reduced to one. Kept longer than the reports. Query a day, a few days, or one installation.';
COMMENT ON COLUMN fleet.installation_unit_days.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_unit_days.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installation_unit_days.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.installation_unit_days.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.installation_unit_days.unit IS 'The systemd unit, with dashes for dots: dcos-signal-timer.';
COMMENT ON COLUMN fleet.installation_unit_days.unit_type IS 'The systemd type of the unit; null if the name does not end in one.';
COMMENT ON COLUMN fleet.installation_unit_days.total IS 'Nodes that run the unit.';
COMMENT ON COLUMN fleet.installation_unit_days.unhealthy IS 'Nodes on which the unit is unhealthy.';
