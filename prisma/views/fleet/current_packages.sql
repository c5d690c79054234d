CREATE OR REPLACE VIEW fleet.current_packages AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       p.package, nullif(p.version, '') AS version, p.instances
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 3) r
  JOIN public.package_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.packages, s.versions, s.instances) AS p(package, version, instances);

COMMENT ON VIEW fleet.current_packages IS 'One row per package in the latest package report of each installation.';
COMMENT ON COLUMN fleet.current_packages.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.current_packages.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.current_packages.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.current_packages.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_packages.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_packages.package IS 'The package''s name. DC/OS 1.8 sends only app ids; then this is the app id, if it has the form of a name.';
COMMENT ON COLUMN fleet.current_packages.version IS 'The package''s version; null if not reported.';
COMMENT ON COLUMN fleet.current_packages.instances IS 'How many times the report lists it.';
