CREATE OR REPLACE VIEW fleet.quarantined_events AS
SELECT installation_id, product, received_at, event, reason, path, NULL::text[] AS keys, 1::bigint AS event_count,
       nullif(version, '') AS product_version
  FROM public.quarantined_event
 UNION ALL
SELECT NULL, product, hour, NULL, reason, path, keys, event_count, NULL
  FROM public.unidentified_event;

COMMENT ON VIEW fleet.quarantined_events IS 'Quarantined events: one row per event of a known installation, and one row per hour, reason and set of keys for events without an installation.';
COMMENT ON COLUMN fleet.quarantined_events.installation_id IS 'The installation; null if the event names none, or has no valid GUID of an installation.';
COMMENT ON COLUMN fleet.quarantined_events.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.quarantined_events.received_at IS 'When Muster received it; for events without an installation, the start of that hour.';
COMMENT ON COLUMN fleet.quarantined_events.event IS 'The event''s name; null for events without an installation.';
COMMENT ON COLUMN fleet.quarantined_events.reason IS 'Why: installation_id_missing, installation_id_invalid, installation_id_placeholder (a GUID that many clients share because they have none of their own, such as the nil GUID), installation_id_of_visitor (only the id of a browser or its user), not_an_event, event_too_large, event_too_deep (nested too deep), unknown_event, nothing_usable, normaliser_failed or refused_by_store.';
COMMENT ON COLUMN fleet.quarantined_events.path IS 'The path of the value in the event that caused it.';
COMMENT ON COLUMN fleet.quarantined_events.keys IS 'The names of the event''s properties; only for events without an installation.';
COMMENT ON COLUMN fleet.quarantined_events.event_count IS 'How many events the row stands for.';
COMMENT ON COLUMN fleet.quarantined_events.product_version IS 'The product version in the event; null if it contains none.';
