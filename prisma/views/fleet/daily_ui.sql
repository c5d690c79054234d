CREATE OR REPLACE VIEW fleet.daily_ui AS
SELECT day, product, nullif(version, '') AS product_version, installations, users, logins, logouts, page_views
  FROM public.ui_day;

COMMENT ON VIEW fleet.daily_ui IS 'One row per day and version: the use of web UIs.';
COMMENT ON COLUMN fleet.daily_ui.day IS 'The day (UTC), by the observation time.';
COMMENT ON COLUMN fleet.daily_ui.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.daily_ui.product_version IS 'The product version in the installation''s last report of the day; null if it reported none.';
COMMENT ON COLUMN fleet.daily_ui.installations IS 'Installations whose UI was used.';
COMMENT ON COLUMN fleet.daily_ui.users IS 'Different users; each user of an installation counts once per day.';
COMMENT ON COLUMN fleet.daily_ui.logins IS 'Logins.';
COMMENT ON COLUMN fleet.daily_ui.logouts IS 'Logouts.';
COMMENT ON COLUMN fleet.daily_ui.page_views IS 'Page views; one that a browser sends again within two seconds counts once.';
