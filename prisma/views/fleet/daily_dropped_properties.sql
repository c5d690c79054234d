CREATE OR REPLACE VIEW fleet.daily_dropped_properties AS
SELECT day, product, nullif(version, '') AS product_version, event, key, installations
  FROM public.dropped_day;

COMMENT ON VIEW fleet.daily_dropped_properties IS 'One row per day, version, event and property whose text was dropped, from the day''s last report of each kind and all usage events and errors. Properties of web UI events are only in fleet.dropped_properties.';
COMMENT ON COLUMN fleet.daily_dropped_properties.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_dropped_properties.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_dropped_properties.product_version IS 'The product version in the installation''s last report of the day, or in the usage event or error itself; null if none was reported.';
COMMENT ON COLUMN fleet.daily_dropped_properties.event IS 'The event that contains the property.';
COMMENT ON COLUMN fleet.daily_dropped_properties.key IS 'The property''s name. Its text is not kept.';
COMMENT ON COLUMN fleet.daily_dropped_properties.installations IS 'Installations that sent it.';
