CREATE OR REPLACE VIEW fleet.daily_packages AS
SELECT day, product, nullif(version, '') AS product_version, package, nullif(package_version, '') AS package_version,
       installations, instances
  FROM public.package_day;

COMMENT ON VIEW fleet.daily_packages IS 'One row per day, version, package and package version, from the day''s last package report of each installation.';
COMMENT ON COLUMN fleet.daily_packages.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_packages.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_packages.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_packages.package IS 'The package''s name.';
COMMENT ON COLUMN fleet.daily_packages.package_version IS 'The package''s version; null if not reported.';
COMMENT ON COLUMN fleet.daily_packages.installations IS 'Installations that have it.';
COMMENT ON COLUMN fleet.daily_packages.instances IS 'How many times these installations list it.';
