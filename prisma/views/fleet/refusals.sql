CREATE OR REPLACE VIEW fleet.refusals AS
SELECT hour, nullif(product, '') AS product, code, route, dialect, key_hint, agent,
       sum(requests)::bigint AS requests, sum(events)::bigint AS events
  FROM public.ingest_refusal
 GROUP BY hour, product, code, route, dialect, key_hint, agent;

COMMENT ON VIEW fleet.refusals IS 'One row per hour and kind of refusal: requests and events that ingest refused, and connections that ended before a request arrived. The counts of an hour may still grow for a while after it ends.';
COMMENT ON COLUMN fleet.refusals.hour IS 'The hour in which ingest refused them.';
COMMENT ON COLUMN fleet.refusals.product IS 'The product of the write key; null if the key is missing or unknown.';
COMMENT ON COLUMN fleet.refusals.code IS 'The error code of the response, as in the API reference; or, for connections that were closed, tls_handshake, request_timeout or malformed_http.';
COMMENT ON COLUMN fleet.refusals.route IS 'The route as ingest declares it, without parameter values; none if no route matched.';
COMMENT ON COLUMN fleet.refusals.dialect IS 'The route''s dialect: native, report, segment, posthog, octopus, preview; none if no route matched.';
COMMENT ON COLUMN fleet.refusals.key_hint IS 'Distinguishes keys without revealing them. known-… and ended-…: the first digits of the SHA-256 of a write key that is valid, or no longer valid. unknown-…: a keyed hash of an unknown key. unread: the keys of administrators could not be read, so it is undetermined whether the key is known. none: no key. other: more different keys than are counted.';
COMMENT ON COLUMN fleet.refusals.agent IS 'Name and version of the sender''s library from its User-Agent, if it is a known library; browser; none; or other: an unknown library, or more different ones than are counted.';
COMMENT ON COLUMN fleet.refusals.requests IS 'Requests that were refused as a whole.';
COMMENT ON COLUMN fleet.refusals.events IS 'Events that were refused individually, in requests with a result per event.';
