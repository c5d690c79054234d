CREATE OR REPLACE VIEW fleet.metric_catalogue AS
SELECT product, event, metric, kind, unit, nullif(since, '') AS since, about
  FROM public.metric_definition
 ORDER BY product, position;

COMMENT ON VIEW fleet.metric_catalogue IS 'One row per metric that a product declares, with its meaning.';
COMMENT ON COLUMN fleet.metric_catalogue.product IS 'The product.';
COMMENT ON COLUMN fleet.metric_catalogue.event IS 'The event that contains the metric.';
COMMENT ON COLUMN fleet.metric_catalogue.metric IS 'Its name in fleet.metric_readings and fleet.usage_counters.';
COMMENT ON COLUMN fleet.metric_catalogue.kind IS 'count, counts (a value for each type), ratio, bytes, duration, flag or date.';
COMMENT ON COLUMN fleet.metric_catalogue.unit IS 'The unit of its values.';
COMMENT ON COLUMN fleet.metric_catalogue.since IS 'The product version that introduced it; null if unknown.';
COMMENT ON COLUMN fleet.metric_catalogue.about IS 'What it counts or measures.';
