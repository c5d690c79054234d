CREATE OR REPLACE VIEW fleet.defects AS
SELECT d.installation_id, l.product, nullif(l.version, '') AS product_version, d.observed_at, d.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[d.kind] AS kind, d.path, d.reason,
       d.left_out
  FROM public.defect d JOIN public.origin l USING (origin_id);

COMMENT ON VIEW fleet.defects IS 'One row per path and reason for which readings of a stored event were dropped. The dropped values are kept, so that the event can be replayed.';
COMMENT ON COLUMN fleet.defects.installation_id IS 'The installation''s GUID (for DC/OS, the cluster id).';
COMMENT ON COLUMN fleet.defects.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.defects.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.defects.observed_at IS 'When it was observed: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.defects.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.defects.kind IS 'The kind of report that it was dropped from.';
COMMENT ON COLUMN fleet.defects.path IS 'The path of the reading in the event''s properties.';
COMMENT ON COLUMN fleet.defects.reason IS 'Why: not_a_number, negative, fractional, out_of_range (implausibly large, or a number that stands for no limit), without_partner, unhealthy_exceeds_total, not_text, malformed, too_long, too_many (more than one list or object may have), not_a_list, not_an_object, not_a_package_name, not_a_timestamp, not_a_flag, not_a_sha1_digest, identifying (may reveal a person or a location), too_many_defects or too_many_dropped (more than are recorded for one event).';
COMMENT ON COLUMN fleet.defects.left_out IS 'How many readings were dropped; for a text that is too long, how many characters.';
