CREATE OR REPLACE VIEW fleet.current_metrics AS
SELECT r.installation_id, r.product, nullif(r.version, '') AS product_version, r.observed_at, r.received_at,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value, d.unit, d.metric IS NOT NULL AS is_known
  FROM (SELECT l.*, o.version FROM public.latest_report l JOIN public.origin o USING (origin_id)
         WHERE l.kind = 7) r
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
  LEFT JOIN public.metric_definition d
         ON d.product = r.product AND d.event = s.event AND d.metric = m.metric;

COMMENT ON VIEW fleet.current_metrics IS 'One row per value in the latest metrics report of each installation.';
COMMENT ON COLUMN fleet.current_metrics.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.current_metrics.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.current_metrics.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.current_metrics.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.current_metrics.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.current_metrics.metric IS 'The metric; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.current_metrics.dimension IS 'The type that the value belongs to; null if the metric has no types, * for types without an accepted name.';
COMMENT ON COLUMN fleet.current_metrics.value IS 'The value. A flag is 0 or 1, a date is in seconds since 1970.';
COMMENT ON COLUMN fleet.current_metrics.unit IS 'The unit of the value; null if the metric is unknown.';
COMMENT ON COLUMN fleet.current_metrics.is_known IS 'Whether the catalogue contains the metric. Values of unknown metrics, such as those of newer agents, are kept as well.';
