CREATE OR REPLACE VIEW fleet.current_health AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       u.unit, nullif(u.unit_type, '') AS unit_type, u.total, u.unhealthy
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 1) r
  JOIN public.health_snapshot s USING (snapshot_id)
  JOIN public.unit_set us USING (unit_set_id)
 CROSS JOIN LATERAL unnest(us.units, us.unit_types, s.totals, s.unhealthy)
       AS u(unit, unit_type, total, unhealthy);

COMMENT ON VIEW fleet.current_health IS 'One row per unit in the latest health report of each installation.';
COMMENT ON COLUMN fleet.current_health.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.current_health.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.current_health.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.current_health.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_health.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_health.unit IS 'The systemd unit, with dashes for dots: dcos-signal-timer.';
COMMENT ON COLUMN fleet.current_health.unit_type IS 'The systemd type of the unit (service, timer, socket, …); null if the name does not end in one.';
COMMENT ON COLUMN fleet.current_health.total IS 'Nodes that run the unit.';
COMMENT ON COLUMN fleet.current_health.unhealthy IS 'Nodes on which the unit is unhealthy. DC/OS 1.8 and 1.10 count all units of a node that has one unhealthy unit, so do not compare across versions.';
