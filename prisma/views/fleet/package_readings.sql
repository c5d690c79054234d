CREATE OR REPLACE VIEW fleet.package_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       p.package, nullif(p.version, '') AS version, p.instances
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.package_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances)
 WHERE r.kind = 3;

COMMENT ON VIEW fleet.package_readings IS 'One row per package in a report.';
COMMENT ON COLUMN fleet.package_readings.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.package_readings.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.package_readings.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.package_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.package_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.package_readings.package IS 'The package''s name. DC/OS 1.8 sends only app ids; then this is the app id, if it has the form of a name.';
COMMENT ON COLUMN fleet.package_readings.version IS 'The package''s version; null if not reported.';
COMMENT ON COLUMN fleet.package_readings.instances IS 'How many times the report lists it.';
