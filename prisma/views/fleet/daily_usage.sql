CREATE OR REPLACE VIEW fleet.daily_usage AS
SELECT day, product, nullif(version, '') AS product_version, event, nullif(outcome, '') AS outcome, installations, events
  FROM public.usage_day;

COMMENT ON VIEW fleet.daily_usage IS 'One row per day, version, usage event and outcome.';
COMMENT ON COLUMN fleet.daily_usage.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_usage.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_usage.product_version IS 'The product version in the event; null if it contains none.';
COMMENT ON COLUMN fleet.daily_usage.event IS 'What happened: the event''s name, as the agent sends it.';
COMMENT ON COLUMN fleet.daily_usage.outcome IS 'How it ended; null if the event does not report it.';
COMMENT ON COLUMN fleet.daily_usage.installations IS 'Installations in which it happened.';
COMMENT ON COLUMN fleet.daily_usage.events IS 'How often it happened.';
