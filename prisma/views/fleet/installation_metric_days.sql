CREATE OR REPLACE VIEW fleet.installation_metric_days AS
SELECT d.installation_id, d.product, d.day, nullif(o.version, '') AS product_version, s.event,
       m.metric, nullif(m.dimension, '') AS dimension, m.figure AS value
  FROM public.installation_day d
  JOIN public.origin o USING (origin_id)
  JOIN public.metric_snapshot s ON s.snapshot_id = d.metric_id
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure);

COMMENT ON VIEW fleet.installation_metric_days IS 'One row per installation, day and metric, from the last metrics report of the day. Kept longer than the reports. Query a day, a few days, or one installation.';
COMMENT ON COLUMN fleet.installation_metric_days.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_metric_days.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installation_metric_days.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.installation_metric_days.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.installation_metric_days.event IS 'The event that reported the metric.';
COMMENT ON COLUMN fleet.installation_metric_days.metric IS 'The metric; see fleet.metric_catalogue for its unit.';
COMMENT ON COLUMN fleet.installation_metric_days.dimension IS 'The type that the value belongs to; null if the metric has no types, * for types without an accepted name.';
COMMENT ON COLUMN fleet.installation_metric_days.value IS 'The value, in the metric''s unit.';
