-- A defect may stand for many readings: the items of a list beyond its bound, or the characters of a text.
ALTER TABLE defect ADD COLUMN left_out integer NOT NULL DEFAULT 1;

CREATE OR REPLACE VIEW fleet.defects AS
SELECT d.installation_id, l.product, nullif(l.version, '') AS product_version, d.observed_at, d.received_at,
       (ARRAY['health', 'mesos_track', 'package_list', 'ui', 'usage', 'error', 'metrics'])[d.kind] AS kind, d.path, d.reason,
       d.left_out
  FROM public.defect d JOIN public.origin l USING (origin_id);
COMMENT ON VIEW fleet.defects IS 'One row per place and reason for which readings were left out of a stored event. The figures of the event are kept to be read again.';
COMMENT ON COLUMN fleet.defects.reason IS 'Why: not_a_number, negative, fractional, out_of_range (more than is plausible, or a number that stands for no limit), without_partner, unhealthy_exceeds_total, not_text, malformed, too_long, too_many (beyond the bound of one list or object), not_a_list, not_an_object, not_a_package_name, not_a_timestamp, not_a_flag, not_a_sha1_digest, identifying (it may tell who or where somebody is), too_many_defects or too_many_dropped (beyond what is recorded of one event).';
COMMENT ON COLUMN fleet.defects.left_out IS 'How many readings were left out; for a text that is too long, how many characters.';

COMMENT ON VIEW fleet.dropped_properties IS 'One row per property of an event of which something was left out: text that no rule allows, a number that may be somebody''s, or a list or object that is not read. Only its name was counted.';
