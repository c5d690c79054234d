CREATE OR REPLACE VIEW fleet.installations AS
SELECT i.installation_id, i.product, nullif(o.version, '') AS version, nullif(o.variant, '') AS variant,
       nullif(o.provider, '') AS provider, nullif(o.platform, '') AS platform, nullif(o.source, '') AS source,
       i.customer_key, i.license_id, i.first_seen_at, i.last_seen_at,
       c.opted_out IS TRUE AS opted_out, CASE WHEN c.opted_out THEN c.observed_at END AS opted_out_at
  FROM public.installation i
  LEFT JOIN public.origin o USING (origin_id)
  LEFT JOIN (SELECT DISTINCT ON (installation_id, product) installation_id, product, observed_at, opted_out
               FROM public.consent_event
              ORDER BY installation_id, product, observed_at DESC, event_key DESC) c
         ON c.installation_id = i.installation_id AND c.product = i.product;

COMMENT ON VIEW fleet.installations IS 'One row per installation and product: its description, and when it was seen.';
COMMENT ON COLUMN fleet.installations.installation_id IS 'The installation''s GUID: the reported one, or one derived from it if the reported one would identify the machine (see docs/decisions/0006).';
COMMENT ON COLUMN fleet.installations.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.installations.version IS 'The version in its latest report; null if only events of a UI have been received.';
COMMENT ON COLUMN fleet.installations.variant IS 'The variant of the product; for DC/OS open or enterprise.';
COMMENT ON COLUMN fleet.installations.provider IS 'Where it runs, as reported; for DC/OS aws, azure, on-prem, …';
COMMENT ON COLUMN fleet.installations.platform IS 'The platform, as newer DC/OS versions report it; null for older ones.';
COMMENT ON COLUMN fleet.installations.source IS 'The kind of sender; for DC/OS always cluster.';
COMMENT ON COLUMN fleet.installations.customer_key IS 'The customer key of an enterprise installation; null if it has none.';
COMMENT ON COLUMN fleet.installations.license_id IS 'The licence of an enterprise installation; for Octopus, the SHA-1 digest of its serial number; null if it has none.';
COMMENT ON COLUMN fleet.installations.first_seen_at IS 'The earliest observation of any of its events, excluding duplicates.';
COMMENT ON COLUMN fleet.installations.last_seen_at IS 'The latest observation of any of its events, excluding duplicates.';
COMMENT ON COLUMN fleet.installations.opted_out IS 'Whether it has turned telemetry off and not on again since.';
COMMENT ON COLUMN fleet.installations.opted_out_at IS 'When it turned telemetry off; null if it has not, or has turned it on again.';
