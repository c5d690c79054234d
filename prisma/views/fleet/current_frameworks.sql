CREATE OR REPLACE VIEW fleet.current_frameworks AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       f.framework, f.instances
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 2) r
  JOIN public.framework_snapshot s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.frameworks, s.instances) AS f(framework, instances);

COMMENT ON VIEW fleet.current_frameworks IS 'One row per framework in the latest Mesos report of each installation.';
COMMENT ON COLUMN fleet.current_frameworks.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.current_frameworks.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.current_frameworks.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.current_frameworks.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_frameworks.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_frameworks.framework IS 'The framework''s name, as registered with Mesos.';
COMMENT ON COLUMN fleet.current_frameworks.instances IS 'How many times the report lists it.';
