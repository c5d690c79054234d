CREATE OR REPLACE VIEW fleet.version_fields AS
SELECT product, nullif(version, '') AS product_version, 'health' AS event, 'unit' AS kind, unit AS field,
       min(day) AS first_day, max(day) AS last_day
  FROM public.unit_day GROUP BY product, version, unit
 UNION ALL
SELECT product, nullif(version, ''), event, 'metric', metric, min(day), max(day)
  FROM public.metric_day GROUP BY product, version, event, metric
 UNION ALL
SELECT product, nullif(version, ''), event, 'counter', counter, min(day), max(day)
  FROM public.counter_day GROUP BY product, version, event, counter
 UNION ALL
SELECT product, nullif(version, ''), event, 'event', event, min(day), max(day)
  FROM public.usage_day GROUP BY product, version, event;

COMMENT ON VIEW fleet.version_fields IS 'One row per version and name that it reports: the name of a unit, metric, counter or usage event.';
COMMENT ON COLUMN fleet.version_fields.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.version_fields.product_version IS 'The version that reports it; null if none was reported.';
COMMENT ON COLUMN fleet.version_fields.event IS 'The event that contains it.';
COMMENT ON COLUMN fleet.version_fields.kind IS 'What the name belongs to: unit, metric, counter, or event for the event itself.';
COMMENT ON COLUMN fleet.version_fields.field IS 'The name.';
COMMENT ON COLUMN fleet.version_fields.first_day IS 'The first day on which this version reported it.';
COMMENT ON COLUMN fleet.version_fields.last_day IS 'The last day on which this version reported it.';
