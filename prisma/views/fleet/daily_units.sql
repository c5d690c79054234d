CREATE OR REPLACE VIEW fleet.daily_units AS
SELECT day, product, nullif(version, '') AS product_version, unit, nullif(unit_type, '') AS unit_type,
       installations, unhealthy_installations, total, unhealthy
  FROM public.unit_day;

COMMENT ON VIEW fleet.daily_units IS 'One row per day, version and unit: its health in the day''s last health report of each installation.';
COMMENT ON COLUMN fleet.daily_units.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_units.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_units.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_units.unit IS 'The systemd unit, with dashes for dots: dcos-signal-timer.';
COMMENT ON COLUMN fleet.daily_units.unit_type IS 'The systemd type of the unit; null if the name does not end in one.';
COMMENT ON COLUMN fleet.daily_units.installations IS 'Installations that have the unit.';
COMMENT ON COLUMN fleet.daily_units.unhealthy_installations IS 'Installations in which the unit is unhealthy on at least one node.';
COMMENT ON COLUMN fleet.daily_units.total IS 'Nodes that run the unit, in all installations.';
COMMENT ON COLUMN fleet.daily_units.unhealthy IS 'Nodes on which the unit is unhealthy, in all installations. DC/OS 1.8 and 1.10 count all units of a node that has one unhealthy unit, so do not compare across versions.';
