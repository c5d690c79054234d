CREATE OR REPLACE VIEW fleet.daily_fleet AS
SELECT day, product, nullif(version, '') AS product_version, active, born, returned,
       CASE WHEN day < (now() AT TIME ZONE 'UTC')::date THEN gone_silent END AS gone_silent, reports, reporting_hours
  FROM public.fleet_day
 WHERE day <= (now() AT TIME ZONE 'UTC')::date + 1 AND (active > 0 OR day <= (now() AT TIME ZONE 'UTC')::date);

COMMENT ON VIEW fleet.daily_fleet IS 'One row per day, product and version: how many installations were active, new, returning or gone silent. Late events are counted on the day when they happened.';
COMMENT ON COLUMN fleet.daily_fleet.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_fleet.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_fleet.product_version IS 'The version in the installation''s last report of the day, or in its very last report if it has gone silent; null if none was reported.';
COMMENT ON COLUMN fleet.daily_fleet.active IS 'Installations that sent a report or event that was stored.';
COMMENT ON COLUMN fleet.daily_fleet.born IS 'Active installations that had never sent anything before.';
COMMENT ON COLUMN fleet.daily_fleet.returned IS 'Active installations that returned after an absence long enough to count as silent, opted out or not.';
COMMENT ON COLUMN fleet.daily_fleet.gone_silent IS 'Installations that count as silent from this day on: they last sent something as many days ago as fleet.product_cadences states for the product. They may return. Null until the day is over.';
COMMENT ON COLUMN fleet.daily_fleet.reports IS 'Stored reports and events.';
COMMENT ON COLUMN fleet.daily_fleet.reporting_hours IS 'Hours in which an installation reported, summed over installations: active * 24 if all installations report hourly without gaps.';
