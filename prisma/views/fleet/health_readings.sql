CREATE OR REPLACE VIEW fleet.health_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.health_snapshot s USING (snapshot_id)
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
       AS u(unit, unit_type, total, unhealthy)
 WHERE r.kind = 1;

COMMENT ON VIEW fleet.health_readings IS 'One row per unit in a health report.';
COMMENT ON COLUMN fleet.health_readings.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.health_readings.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.health_readings.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.health_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.health_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.health_readings.unit IS 'The systemd unit, with dashes for dots: dcos-signal-timer.';
COMMENT ON COLUMN fleet.health_readings.unit_type IS 'The systemd type of the unit (service, timer, socket, …); null if the name does not end in one.';
COMMENT ON COLUMN fleet.health_readings.total IS 'Nodes that run the unit.';
COMMENT ON COLUMN fleet.health_readings.unhealthy IS 'Nodes on which the unit is unhealthy. DC/OS 1.8 and 1.10 count all units of a node that has one unhealthy unit, so do not compare across versions.';
