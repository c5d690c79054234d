CREATE OR REPLACE VIEW fleet.daily_metrics AS
SELECT m.day, m.product, nullif(m.version, '') AS product_version, m.metric, nullif(m.dimension, '') AS dimension,
       m.installations, m.total, m.least, m.median, m.p90, m.greatest, d.unit
  FROM public.metric_day m
  LEFT JOIN public.metric_definition d ON d.product = m.product AND d.event = m.event AND d.metric = m.metric;

COMMENT ON VIEW fleet.daily_metrics IS 'One row per day, version and metric, from the day''s last metrics report of each installation.';
COMMENT ON COLUMN fleet.daily_metrics.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_metrics.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_metrics.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_metrics.metric IS 'The metric; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.daily_metrics.dimension IS 'The type that the value belongs to; null if the metric has no types, * for types without an accepted name.';
COMMENT ON COLUMN fleet.daily_metrics.installations IS 'Installations that reported it.';
COMMENT ON COLUMN fleet.daily_metrics.total IS 'The sum of their values. The average is total / installations.';
COMMENT ON COLUMN fleet.daily_metrics.least IS 'The minimum.';
COMMENT ON COLUMN fleet.daily_metrics.median IS 'The value that half of the installations do not exceed; null for the metric *.';
COMMENT ON COLUMN fleet.daily_metrics.p90 IS 'The value that nine of ten installations do not exceed; null for the metric *.';
COMMENT ON COLUMN fleet.daily_metrics.greatest IS 'The maximum.';
COMMENT ON COLUMN fleet.daily_metrics.unit IS 'The unit of the value; null if the metric is unknown.';
