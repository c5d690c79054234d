-- Reads pg_catalog, so it includes views that are added later.
CREATE OR REPLACE VIEW fleet.completeness AS
SELECT v.view, v.time_column, v.is_daily,
       CASE WHEN v.is_daily THEN s.complete_until ELSE t.hour END AS complete_until
  FROM (SELECT DISTINCT ON (c.relname) c.relname::text AS view, a.attname::text AS time_column,
               a.attname IN ('day', 'last_day') AS is_daily
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
          JOIN unnest(ARRAY['day', 'last_day', 'observed_at', 'occurred_at', 'received_at', 'hour', 'last_seen_at'])
               WITH ORDINALITY AS n(name, rank) ON n.name = a.attname
         WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind = 'v'
         ORDER BY c.relname, n.rank) v
 CROSS JOIN public.rollup_state s
 CROSS JOIN (SELECT max(hour) AS hour FROM public.ingest_tally WHERE stored > 0) t;

COMMENT ON VIEW fleet.completeness IS 'One row per view with a time column: the time up to which it is complete.';
COMMENT ON COLUMN fleet.completeness.view IS 'The view in the schema fleet.';
COMMENT ON COLUMN fleet.completeness.time_column IS 'The view''s time column.';
COMMENT ON COLUMN fleet.completeness.is_daily IS 'Whether the view shows days, which are refreshed periodically. Other views show what is stored at the time of the query.';
COMMENT ON COLUMN fleet.completeness.complete_until IS 'For daily views: everything that was stored before this time is included; null before their first refresh. For other views: the start of the hour in which the latest stored event was received; everything is included except what is still queued.';
