-- Left joins, so that the planner omits them from queries that do not need the versions.
CREATE OR REPLACE VIEW fleet.installation_lives AS
SELECT l.installation_id, l.product, l.first_day, nullif(f.version, '') AS first_version,
       l.last_day, nullif(o.version, '') AS last_version, l.active_days, l.returns,
       l.last_day + coalesce(c.silent_after_days, 3) < (now() AT TIME ZONE 'UTC')::date
         AND k.opted_out IS NOT TRUE AS is_silent
  FROM public.installation_life l
  LEFT JOIN public.origin f ON f.origin_id = l.first_origin_id
  LEFT JOIN public.origin o ON o.origin_id = l.last_origin_id
  LEFT JOIN public.product_cadence c ON c.product = l.product
  LEFT JOIN (SELECT DISTINCT ON (installation_id, product) installation_id, product, opted_out
               FROM public.consent_event
              ORDER BY installation_id, product, observed_at DESC, event_key DESC) k
         ON k.installation_id = l.installation_id AND k.product = l.product;

COMMENT ON VIEW fleet.installation_lives IS 'One row per installation and product: its first day, its last day and the days between, for cohorts.';
COMMENT ON COLUMN fleet.installation_lives.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installation_lives.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installation_lives.first_day IS 'The first day (UTC) on which it sent something to Muster.';
COMMENT ON COLUMN fleet.installation_lives.first_version IS 'The product version on that day; null if not reported.';
COMMENT ON COLUMN fleet.installation_lives.last_day IS 'The last day (UTC) on which it sent something.';
COMMENT ON COLUMN fleet.installation_lives.last_version IS 'The product version on that day; null if not reported.';
COMMENT ON COLUMN fleet.installation_lives.active_days IS 'On how many days it sent something, among the days that are kept (ROLLUP_RETENTION_DAYS).';
COMMENT ON COLUMN fleet.installation_lives.returns IS 'How often it sent something again after an absence long enough to count as silent, opted out or not, within the days that are kept.';
COMMENT ON COLUMN fleet.installation_lives.is_silent IS 'Whether it counts as silent today; see fleet.product_cadences. A silent installation may return. An installation that opted out is not silent.';
