CREATE OR REPLACE VIEW fleet.daily_capacity AS
SELECT day, product, nullif(version, '') AS product_version, figure,
       CASE WHEN bucket = 1 THEN 0 ELSE power(2.0::double precision, bucket - 5) END AS at_least,
       CASE WHEN bucket < 65 THEN power(2.0::double precision, bucket - 4) END AS below, installations, total
  FROM public.capacity_day;

COMMENT ON VIEW fleet.daily_capacity IS 'One row per day, version, figure and size class: how many installations are of that size, by the last report of the day that has resource values. The class limits are powers of two.';
COMMENT ON COLUMN fleet.daily_capacity.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_capacity.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_capacity.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_capacity.figure IS 'cpu_total, cpu_used (cores), cpu_percent, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb (MB), agents_active, agents_connected, task_count or framework_count.';
COMMENT ON COLUMN fleet.daily_capacity.at_least IS 'The lower limit of the class, inclusive.';
COMMENT ON COLUMN fleet.daily_capacity.below IS 'The upper limit of the class, exclusive; null for the last class, which has none.';
COMMENT ON COLUMN fleet.daily_capacity.installations IS 'Installations whose value is in the class.';
COMMENT ON COLUMN fleet.daily_capacity.total IS 'The sum of their values, in the figure''s unit.';
