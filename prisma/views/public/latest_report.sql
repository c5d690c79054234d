-- The latest report of each kind per installation, without reading all reports: it is the latest one of the last
-- rollup refresh, or it is from a day that has changed since.
CREATE OR REPLACE VIEW public.latest_report AS
SELECT DISTINCT ON (installation_id, product, kind)
       installation_id, product, kind, origin_id, observed_at, received_at, snapshot_id
  FROM (SELECT l.installation_id, l.product, l.kind, l.origin_id, l.observed_at, l.received_at, l.snapshot_id, l.event_key
          FROM public.installation_latest l
          LEFT JOIN public.retention_floor f ON f.product = l.product
         WHERE l.kind > 0
           AND (f.day IS NULL OR l.observed_at >= f.day::timestamp AT TIME ZONE 'UTC')
           AND NOT EXISTS (SELECT FROM public.changed_days() AS c(day) WHERE c.day = (l.observed_at AT TIME ZONE 'UTC')::date)
         UNION ALL
        SELECT r.installation_id, o.product, r.kind, r.origin_id, r.observed_at, r.received_at, r.snapshot_id, r.event_key
          FROM public.changed_days() AS c(day)
          JOIN public.report r ON r.observed_at >= c.day::timestamp AT TIME ZONE 'UTC'
                              AND r.observed_at < (c.day + 1)::timestamp AT TIME ZONE 'UTC'
          JOIN public.origin o USING (origin_id)
         WHERE r.kind IN (1, 2, 3, 7)) r
 ORDER BY installation_id, product, kind, observed_at DESC, event_key DESC;
