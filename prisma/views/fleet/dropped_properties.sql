CREATE OR REPLACE VIEW fleet.dropped_properties AS
SELECT l.product, s.event, k.key, sum(r.reports)::bigint AS reports,
       min(r.first) AS first_seen_at, max(r.last) AS last_seen_at
  FROM (SELECT origin_id, snapshot_id, count(*) AS reports, min(observed_at) AS first, max(observed_at) AS last
          FROM public.report GROUP BY origin_id, snapshot_id) r
  JOIN public.origin l USING (origin_id)
  JOIN (SELECT snapshot_id, 'health' AS event, dropped FROM public.health_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, 'package_list' AS event, dropped FROM public.package_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, 'mesos_track' AS event, dropped FROM public.framework_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, action AS event, dropped FROM public.ui_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, event AS event, dropped FROM public.metric_snapshot WHERE dropped <> '{}'
         UNION ALL SELECT snapshot_id, event AS event, dropped FROM public.error_snapshot WHERE dropped <> '{}') s USING (snapshot_id)
 CROSS JOIN LATERAL unnest(s.dropped) AS k(key)
 GROUP BY l.product, s.event, k.key;

COMMENT ON VIEW fleet.dropped_properties IS 'One row per property that was dropped from an event: text that no rule allows, a number that may identify a person, or a list or object that is not read. Only the name is counted.';
COMMENT ON COLUMN fleet.dropped_properties.product IS 'The product.';
COMMENT ON COLUMN fleet.dropped_properties.event IS 'The kind of event.';
COMMENT ON COLUMN fleet.dropped_properties.key IS 'The property''s name; numbers in it are replaced by *, and text that is not a name by its length in brackets.';
COMMENT ON COLUMN fleet.dropped_properties.reports IS 'How many stored events contain it.';
COMMENT ON COLUMN fleet.dropped_properties.first_seen_at IS 'The earliest observation.';
COMMENT ON COLUMN fleet.dropped_properties.last_seen_at IS 'The latest observation.';
