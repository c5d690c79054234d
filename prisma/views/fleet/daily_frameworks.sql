CREATE OR REPLACE VIEW fleet.daily_frameworks AS
SELECT day, product, nullif(version, '') AS product_version, framework, installations, instances
  FROM public.framework_day;

COMMENT ON VIEW fleet.daily_frameworks IS 'One row per day, version and framework, from the day''s last Mesos report of each installation.';
COMMENT ON COLUMN fleet.daily_frameworks.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_frameworks.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_frameworks.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_frameworks.framework IS 'The framework''s name, as registered with Mesos.';
COMMENT ON COLUMN fleet.daily_frameworks.installations IS 'Installations that have it.';
COMMENT ON COLUMN fleet.daily_frameworks.instances IS 'How many times these installations list it.';
