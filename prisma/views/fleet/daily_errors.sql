CREATE OR REPLACE VIEW fleet.daily_errors AS
SELECT day, product, nullif(version, '') AS product_version, event, nullif(error_kind, '') AS kind, fingerprint,
       nullif(message, '') AS message, installations, reports, occurrences AS count
  FROM public.error_day;

COMMENT ON VIEW fleet.daily_errors IS 'One row per day, version and error.';
COMMENT ON COLUMN fleet.daily_errors.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_errors.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_errors.product_version IS 'The product version in the event; null if it contains none.';
COMMENT ON COLUMN fleet.daily_errors.event IS 'The event that reported the error, such as error.server.';
COMMENT ON COLUMN fleet.daily_errors.kind IS 'The error''s class; null if not reported.';
COMMENT ON COLUMN fleet.daily_errors.fingerprint IS 'Equal for the same event, kind and message in all installations and versions.';
COMMENT ON COLUMN fleet.daily_errors.message IS 'The error''s message, scrubbed; see fleet.error_reports.';
COMMENT ON COLUMN fleet.daily_errors.installations IS 'Installations that reported it.';
COMMENT ON COLUMN fleet.daily_errors.reports IS 'How many reports contain it.';
COMMENT ON COLUMN fleet.daily_errors.count IS 'How many occurrences of the error the reports stand for.';
