CREATE OR REPLACE VIEW fleet.product_versions AS
SELECT product, version AS product_version,
       lag(version) OVER (PARTITION BY product ORDER BY numbers, version ~ '^[vV]?[0-9.]+$', version) AS previous_version,
       first_day, last_day
  FROM (SELECT product, version, min(day) AS first_day, max(day) AS last_day,
               string_to_array(substring(version FROM '[0-9]+(?:[.][0-9]+)*'), '.')::numeric[] AS numbers
          FROM public.fleet_day WHERE active > 0 AND version <> ''
         GROUP BY product, version) v;

COMMENT ON VIEW fleet.product_versions IS 'One row per product and version that an installation had at the end of a day.';
COMMENT ON COLUMN fleet.product_versions.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.product_versions.product_version IS 'The version, as reported.';
COMMENT ON COLUMN fleet.product_versions.previous_version IS 'The preceding version by number, of those that were reported: 1.9 is before 1.10, and 2.0-beta before 2.0. Null for the first.';
COMMENT ON COLUMN fleet.product_versions.first_day IS 'The first day on which an installation had the version.';
COMMENT ON COLUMN fleet.product_versions.last_day IS 'The last day on which an installation had the version.';
