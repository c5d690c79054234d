CREATE OR REPLACE VIEW fleet.metric_readings AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at, r.received_at,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value, d.unit, d.metric IS NOT NULL AS is_known
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
  LEFT JOIN public.metric_definition d
         ON d.product = l.product AND d.event = s.event AND d.metric = m.metric
 WHERE r.kind = 7;

COMMENT ON VIEW fleet.metric_readings IS 'One row per value in a metrics report. A metric that the report does not contain has no row; it does not count as 0.';
COMMENT ON COLUMN fleet.metric_readings.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.metric_readings.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.metric_readings.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.metric_readings.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.metric_readings.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.metric_readings.metric IS 'The metric; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.metric_readings.dimension IS 'The type that the value belongs to; null if the metric has no types, * for types without an accepted name.';
COMMENT ON COLUMN fleet.metric_readings.value IS 'The value. A flag is 0 or 1, a date is in seconds since 1970.';
COMMENT ON COLUMN fleet.metric_readings.unit IS 'The unit of the value; null if the metric is unknown.';
COMMENT ON COLUMN fleet.metric_readings.is_known IS 'Whether the catalogue contains the metric. Values of unknown metrics, such as those of newer agents, are kept as well.';
