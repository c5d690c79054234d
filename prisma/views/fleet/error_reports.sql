CREATE OR REPLACE VIEW fleet.error_reports AS
SELECT r.installation_id, l.product, nullif(l.version, '') AS product_version, r.observed_at AS occurred_at, r.received_at,
       nullif(l.source, '') AS source, s.event, nullif(s.error_kind, '') AS kind, s.fingerprint,
       nullif(s.message, '') AS message, s.occurrences AS count
  FROM public.report r
  JOIN public.origin l USING (origin_id)
  JOIN public.error_snapshot s USING (snapshot_id)
 WHERE r.kind = 6;

COMMENT ON VIEW fleet.error_reports IS 'One row per error that an agent reported.';
COMMENT ON COLUMN fleet.error_reports.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.error_reports.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.error_reports.product_version IS 'The reported product version; null if the report contains none.';
COMMENT ON COLUMN fleet.error_reports.occurred_at IS 'When it happened: by the agent''s clock, corrected for skew if the agent reported its send time; see fleet.reports.clock.';
COMMENT ON COLUMN fleet.error_reports.received_at IS 'When Muster received it.';
COMMENT ON COLUMN fleet.error_reports.source IS 'The part of the product that reports; null if not reported.';
COMMENT ON COLUMN fleet.error_reports.event IS 'The event that reported the error, such as error.server.';
COMMENT ON COLUMN fleet.error_reports.kind IS 'The error''s class, such as KeyError; null if not reported.';
COMMENT ON COLUMN fleet.error_reports.fingerprint IS 'Equal for the same event, kind and message in all installations and versions: 64 bits of a hash, in hex.';
COMMENT ON COLUMN fleet.error_reports.message IS 'The error''s message, scrubbed: quoted text, addresses, hosts, paths and numbers are replaced by their kind, and words outside a fixed vocabulary by <word>.';
COMMENT ON COLUMN fleet.error_reports.count IS 'How many occurrences of the error the report stands for.';
