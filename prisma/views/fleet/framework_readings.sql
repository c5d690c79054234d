CREATE OR REPLACE VIEW fleet.framework_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       f.framework, f.instances
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.framework_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances)
 WHERE r.kind = 2;

COMMENT ON VIEW fleet.framework_readings IS 'One row per framework in a report.';
COMMENT ON COLUMN fleet.framework_readings.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.framework_readings.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.framework_readings.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.framework_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.framework_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.framework_readings.framework IS 'The framework''s name, as registered with Mesos.';
COMMENT ON COLUMN fleet.framework_readings.instances IS 'How many times the report lists it.';
