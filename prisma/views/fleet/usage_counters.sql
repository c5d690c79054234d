CREATE OR REPLACE VIEW fleet.usage_counters AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       nullif(l.source, '') AS source, s.event, nullif(s.outcome, '') AS outcome,
       m.metric AS counter, nullif(m.dimension, '') AS dimension, m.figure AS value
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.metric_snapshot s USING (snapshot_id)
  JOIN public.metric_set ms USING (metric_set_id)
 CROSS JOIN LATERAL unnest(ms.metrics, ms.dimensions, s.figures) AS m(metric, dimension, figure)
 WHERE r.kind = 5;

COMMENT ON VIEW fleet.usage_counters IS 'One row per value of a usage event, for sums over the fleet.';
COMMENT ON COLUMN fleet.usage_counters.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.usage_counters.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.usage_counters.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.usage_counters.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.usage_counters.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.usage_counters.source IS 'The part of the product that reports, such as resotocore; null if not reported.';
COMMENT ON COLUMN fleet.usage_counters.event IS 'What happened: the event''s name, as the agent sends it.';
COMMENT ON COLUMN fleet.usage_counters.outcome IS 'How it ended; null if the event does not report it.';
COMMENT ON COLUMN fleet.usage_counters.counter IS 'The counter''s name; see fleet.metric_catalogue for its unit. An undeclared counter has the name that the agent gave it.';
COMMENT ON COLUMN fleet.usage_counters.dimension IS 'The type that the value belongs to, such as the name of a command; null if it has none, * for types without an accepted name.';
COMMENT ON COLUMN fleet.usage_counters.value IS 'The value. A flag is 0 or 1.';
