-- Groups by snapshot before it unnests: thousands of installations share a few hundred package lists.
CREATE OR REPLACE VIEW fleet.daily_package_sets AS
SELECT d.day, d.product, nullif(d.version, '') AS product_version,
       ARRAY(SELECT DISTINCT p FROM unnest(s.packages) AS p ORDER BY p) AS packages, d.installations
  FROM (SELECT d.day, d.product, o.version, d.package_id, count(*)::int AS installations
          FROM public.installation_day d JOIN public.origin o USING (origin_id)
         WHERE d.package_id IS NOT NULL
         GROUP BY d.day, d.product, o.version, d.package_id) d
  JOIN public.package_snapshot s ON s.snapshot_id = d.package_id;

COMMENT ON VIEW fleet.daily_package_sets IS 'One row per day, version and list of packages, from the day''s last package report of each installation: which packages are installed together. Lists that differ only in package versions or instances have separate rows. Query one day or a few.';
COMMENT ON COLUMN fleet.daily_package_sets.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_package_sets.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_package_sets.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_package_sets.packages IS 'The names of the packages, without duplicates, in alphabetical order; empty if nothing is installed.';
COMMENT ON COLUMN fleet.daily_package_sets.installations IS 'Installations with exactly these packages.';
