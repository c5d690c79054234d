CREATE OR REPLACE VIEW fleet.reports AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[r.kind] AS kind,
       (ARRAY['agent', 'corrected', 'received'])[r.clock + 1] AS clock
  FROM public.report r JOIN public.origin l USING (origin_id);

COMMENT ON VIEW fleet.reports IS 'One row per stored event: its kind, its times and the reported version.';
COMMENT ON COLUMN fleet.reports.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.reports.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.reports.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.reports.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.reports.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.reports.kind IS 'The kind of report: health, mesos_track, package_list, ui, usage, error or metrics.';
COMMENT ON COLUMN fleet.reports.clock IS 'The source of observed_at: agent (the event''s own clock), corrected (its clock, shifted by the time between sentAt and the receipt if that is a minute or more; a wrong clock and a long transit cannot be distinguished), or received (its own time is missing, cannot be parsed, or is implausible: more than a day ahead or older than the retention).';
