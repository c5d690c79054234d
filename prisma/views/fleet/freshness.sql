CREATE OR REPLACE VIEW fleet.freshness AS
SELECT i.product, s.complete_until, now() - s.complete_until AS lag, p.days AS pending_days,
       t.hour AS last_received_hour, i.last_observed_at, f.day AS reports_since, s.refreshed_at
  FROM (SELECT product, max(last_seen_at) AS last_observed_at FROM public.installation GROUP BY product) i
 CROSS JOIN public.rollup_state s
 CROSS JOIN (SELECT count(*) AS days FROM public.changed_days()) p
  LEFT JOIN (SELECT product, max(hour) AS hour FROM public.ingest_tally WHERE stored > 0 GROUP BY product) t
         ON t.product = i.product
  LEFT JOIN public.retention_floor f ON f.product = i.product;

COMMENT ON VIEW fleet.freshness IS 'One row per product: how up to date the daily views are, and their source data.';
COMMENT ON COLUMN fleet.freshness.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.freshness.complete_until IS 'Everything that was stored before this time is in the daily views. Null before their first refresh.';
COMMENT ON COLUMN fleet.freshness.lag IS 'The time since then.';
COMMENT ON COLUMN fleet.freshness.pending_days IS 'Days, of any product, that have changed since they were last aggregated.';
COMMENT ON COLUMN fleet.freshness.last_received_hour IS 'The start of the last hour in which a stored event was received.';
COMMENT ON COLUMN fleet.freshness.last_observed_at IS 'The latest observation, by the agents'' clocks.';
COMMENT ON COLUMN fleet.freshness.reports_since IS 'The first day whose reports are all kept; null if none have been dropped. Earlier days are only in the daily views.';
COMMENT ON COLUMN fleet.freshness.refreshed_at IS 'When the daily views were last refreshed.';
