CREATE OR REPLACE VIEW fleet.daily_mix AS
SELECT day, product, nullif(version, '') AS product_version, nullif(variant, '') AS variant,
       nullif(provider, '') AS provider, nullif(platform, '') AS platform, installations
  FROM public.mix_day;

COMMENT ON VIEW fleet.daily_mix IS 'One row per day and combination of version, variant, provider and platform: the number of installations.';
COMMENT ON COLUMN fleet.daily_mix.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_mix.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_mix.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_mix.variant IS 'The variant of the product; null if not reported.';
COMMENT ON COLUMN fleet.daily_mix.provider IS 'Where it runs; null if not reported.';
COMMENT ON COLUMN fleet.daily_mix.platform IS 'The platform; null if not reported.';
COMMENT ON COLUMN fleet.daily_mix.installations IS 'Active installations with this combination.';
