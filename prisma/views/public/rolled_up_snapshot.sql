-- Snapshots that rollups refer to. Maintenance keeps them even if no report refers to them any more.
CREATE OR REPLACE VIEW public.rolled_up_snapshot AS
SELECT s.snapshot_id
  FROM public.installation_day d
 CROSS JOIN LATERAL (VALUES (d.health_id), (d.package_id), (d.framework_id), (d.metric_id)) AS s(snapshot_id)
 WHERE s.snapshot_id IS NOT NULL
 UNION ALL
SELECT snapshot_id FROM public.installation_latest WHERE snapshot_id IS NOT NULL
 UNION ALL
SELECT s.snapshot_id FROM public.installation_day_events e CROSS JOIN LATERAL unnest(e.contents) AS s(snapshot_id);
