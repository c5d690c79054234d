CREATE OR REPLACE VIEW fleet.daily_counters AS
SELECT c.day, c.product, nullif(c.version, '') AS product_version, c.event, nullif(c.outcome, '') AS outcome,
       c.counter, nullif(c.dimension, '') AS dimension, c.installations, c.events, c.total, d.unit
  FROM public.counter_day c
  LEFT JOIN public.metric_definition d ON d.product = c.product AND d.event = c.event AND d.metric = c.counter;

COMMENT ON VIEW fleet.daily_counters IS 'One row per day, version, usage event, outcome and counter: the sums of the values in usage events.';
COMMENT ON COLUMN fleet.daily_counters.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_counters.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_counters.product_version IS 'The product version in the event; null if it contains none.';
COMMENT ON COLUMN fleet.daily_counters.event IS 'What happened: the event''s name, as the agent sends it.';
COMMENT ON COLUMN fleet.daily_counters.outcome IS 'How it ended; null if the event does not report it.';
COMMENT ON COLUMN fleet.daily_counters.counter IS 'The counter; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.daily_counters.dimension IS 'The type that the values belong to; null if it has none, * for types without an accepted name.';
COMMENT ON COLUMN fleet.daily_counters.installations IS 'Installations whose events contain the counter.';
COMMENT ON COLUMN fleet.daily_counters.events IS 'Events that contain the counter.';
COMMENT ON COLUMN fleet.daily_counters.total IS 'The sum of the values. The average is total / events.';
COMMENT ON COLUMN fleet.daily_counters.unit IS 'The unit of the values; null if the counter is not declared.';
