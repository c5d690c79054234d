CREATE OR REPLACE VIEW fleet.usage_events AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       nullif(l.source, '') AS source, s.event, nullif(s.outcome, '') AS outcome, c.duration_s,
       coalesce(c.counters, '{}') AS counters
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL (
       SELECT jsonb_object_agg(g.metric, coalesce(g.types, to_jsonb(g.figure))) AS counters,
              max(g.figure) FILTER (WHERE g.metric = 'duration_s') AS duration_s
         FROM (SELECT m.metric, sum(m.figure) AS figure,
                      jsonb_object_agg(m.dimension, m.figure) FILTER (WHERE m.dimension <> '') AS types
                 FROM unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
                GROUP BY m.metric) g) c
 WHERE r.kind = 5;

COMMENT ON VIEW fleet.usage_events IS 'One row per usage event: something that happened in an installation.';
COMMENT ON COLUMN fleet.usage_events.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.usage_events.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.usage_events.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.usage_events.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.usage_events.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.usage_events.source IS 'The part of the product that reports, such as resotocore; null if not reported.';
COMMENT ON COLUMN fleet.usage_events.event IS 'What happened: the event''s name, as the agent sends it; see fleet.metric_catalogue.';
COMMENT ON COLUMN fleet.usage_events.outcome IS 'How it ended, such as succeeded or failed; null if the event does not report it.';
COMMENT ON COLUMN fleet.usage_events.duration_s IS 'How long it took, in seconds; null if the event does not report it.';
COMMENT ON COLUMN fleet.usage_events.counters IS 'The event''s values by name; a value by type is an object. fleet.usage_counters shows them as rows.';
