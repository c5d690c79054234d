CREATE OR REPLACE VIEW fleet.report_origins AS
SELECT r.installation_id, o.product, r.observed_at, r.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[r.kind] AS kind,
       nullif(o.version, '') AS product_version, nullif(o.variant, '') AS variant, nullif(o.provider, '') AS provider,
       nullif(o.platform, '') AS platform, nullif(o.source, '') AS source
  FROM public.report r JOIN public.origin o USING (origin_id);

COMMENT ON VIEW fleet.report_origins IS 'One row per stored report: its source, as reported. Query one installation or a short time range.';
COMMENT ON COLUMN fleet.report_origins.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.report_origins.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.report_origins.observed_at IS 'When it was observed, by the agent''s clock; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.report_origins.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.report_origins.kind IS 'The kind of report: health, mesos_track, package_list, ui, usage, error or metrics.';
COMMENT ON COLUMN fleet.report_origins.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.report_origins.variant IS 'The variant of the product; null if not reported.';
COMMENT ON COLUMN fleet.report_origins.provider IS 'Where it runs; null if not reported.';
COMMENT ON COLUMN fleet.report_origins.platform IS 'The platform; null if not reported.';
COMMENT ON COLUMN fleet.report_origins.source IS 'The sender; null if not reported.';
