-- * replaces the names and the version in the row of the rarest combinations.
CREATE OR REPLACE VIEW fleet.daily_others AS
SELECT day, product, 'daily_mix' AS view, installations FROM public.mix_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_fleet', active FROM public.fleet_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_units', installations FROM public.unit_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_packages', installations FROM public.package_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_frameworks', installations FROM public.framework_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_metrics', installations FROM public.metric_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_capacity', sum(installations) FROM public.capacity_day WHERE version = '*' GROUP BY 1, 2
 UNION ALL SELECT day, product, 'daily_usage', installations FROM public.usage_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_counters', installations FROM public.counter_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_errors', installations FROM public.error_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_dropped_properties', installations FROM public.dropped_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_ui', installations FROM public.ui_day WHERE version = '*';

COMMENT ON VIEW fleet.daily_others IS 'One row per day, product and daily view with more than 50,000 combinations of names and version: the rarest are counted together in one row, as *.';
COMMENT ON COLUMN fleet.daily_others.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_others.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_others.view IS 'The view that contains the row.';
COMMENT ON COLUMN fleet.daily_others.installations IS 'Installations counted as *, once for each name and version.';
