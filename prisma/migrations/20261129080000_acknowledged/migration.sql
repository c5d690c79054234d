-- The other side of the balance: ingest counts for itself what it acknowledged and what it refused.

-- Cumulative counts of one ingest process (a life), by the hour of receipt. Counts only grow, so announcing one
-- again changes nothing. Removed when the hour is settled and days old; ingest_expected keeps the sum.
CREATE TABLE ingest_acknowledged (
  life_id       uuid           NOT NULL,
  product       text           NOT NULL,
  hour          timestamptz(3) NOT NULL,
  event_count   bigint         NOT NULL,
  announced_at  timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (product, hour, life_id)
);

-- Batches whose write failed or timed out after it was sent: they may have been queued although their senders
-- were answered 503. If one has a receipt, its events were accepted without having been acknowledged.
CREATE TABLE ingest_unconfirmed (
  batch_id     uuid           NOT NULL,
  gathered_at  timestamptz(3) NOT NULL,
  product      text           NOT NULL,
  hour         timestamptz(3) NOT NULL,
  event_count  bigint         NOT NULL,
  PRIMARY KEY (batch_id, product, hour)
);

-- The comparison of what ingest acknowledged with what arrived, by product and hour. is_settled: the hour is over
-- and none of its events is queued, so lost is exact; before, lost is a lower bound. reported: as much was logged.
CREATE TABLE ingest_expected (
  product       text           NOT NULL,
  hour          timestamptz(3) NOT NULL,
  acknowledged  bigint         NOT NULL,
  queued        bigint         NOT NULL,
  lost          bigint         NOT NULL,
  reported      bigint         NOT NULL DEFAULT 0,
  is_settled    boolean        NOT NULL,
  PRIMARY KEY (product, hour)
);

-- Refusals of one ingest process by the hour; texts are from closed sets or bounded in number per hour. The nil
-- life holds the sums of hours that are days old. An empty product: not known.
CREATE TABLE ingest_refusal (
  life_id       uuid           NOT NULL,
  hour          timestamptz(3) NOT NULL,
  product       text           NOT NULL,
  code          text           NOT NULL,
  route         text           NOT NULL,
  dialect       text           NOT NULL,
  key_hint      text           NOT NULL,
  agent         text           NOT NULL,
  requests      bigint         NOT NULL,
  events        bigint         NOT NULL,
  announced_at  timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (hour, product, code, route, dialect, key_hint, agent, life_id)
);

CREATE OR REPLACE VIEW fleet.ingest_balance AS
SELECT product, hour,
       sum(accepted)::bigint AS accepted,
       sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate,
       sum(quarantined)::bigint AS quarantined,
       sum(suppressed)::bigint AS suppressed,
       sum(empty)::bigint AS empty,
       sum(accepted - stored - duplicate - quarantined - suppressed - empty - blocked)::bigint AS unaccounted,
       sum(blocked)::bigint AS blocked,
       sum(acknowledged)::bigint AS acknowledged,
       sum(queued)::bigint AS queued,
       sum(lost)::bigint AS lost
  FROM (SELECT product, hour, accepted, stored, duplicate, quarantined, suppressed, empty, blocked,
               NULL::bigint AS acknowledged, NULL::bigint AS queued, NULL::bigint AS lost
          FROM public.ingest_tally
         UNION ALL
        SELECT product, hour, 0, 0, 0, 0, 0, 0, 0, acknowledged, queued, lost
          FROM public.ingest_expected) AS counted
 GROUP BY product, hour;
COMMENT ON VIEW fleet.ingest_balance IS 'One row per product and hour of receipt: how many events were acknowledged, how many of them workers accepted, and what became of them. accepted = stored + duplicate + quarantined + suppressed + empty + blocked.';
COMMENT ON COLUMN fleet.ingest_balance.accepted IS 'Events that workers took from the queue, as each batch declares them.';
COMMENT ON COLUMN fleet.ingest_balance.acknowledged IS 'Events that ingest acknowledged, as its processes counted them; null when none announced a count for the hour.';
COMMENT ON COLUMN fleet.ingest_balance.queued IS 'Events that were in the queue at the latest comparison; null as acknowledged is.';
COMMENT ON COLUMN fleet.ingest_balance.lost IS 'Acknowledged events that are neither accepted nor queued: the queue lost them. A lower bound until the hour is over and its queue is empty. Null as acknowledged is.';

CREATE VIEW fleet.refusals AS
SELECT hour, nullif(product, '') AS product, code, route, dialect, key_hint, agent,
       sum(requests)::bigint AS requests, sum(events)::bigint AS events
  FROM public.ingest_refusal
 GROUP BY hour, product, code, route, dialect, key_hint, agent;
COMMENT ON VIEW fleet.refusals IS 'One row per hour and kind of refusal: requests and events that ingest refused, and connections that ended before a request arrived. Counts of an hour may grow for a while after it.';
COMMENT ON COLUMN fleet.refusals.hour IS 'The hour in which ingest refused them.';
COMMENT ON COLUMN fleet.refusals.product IS 'The product of the write key; null when the key is missing or not known.';
COMMENT ON COLUMN fleet.refusals.code IS 'The error code of the answer, as in the API reference; tls_handshake, request_timeout and malformed_http are connections that were closed.';
COMMENT ON COLUMN fleet.refusals.route IS 'The route as ingest declares it, without the values of its parameters; none when no route matched.';
COMMENT ON COLUMN fleet.refusals.dialect IS 'The dialect of the route: native, report, segment, posthog, octopus, preview; none when no route matched.';
COMMENT ON COLUMN fleet.refusals.key_hint IS 'Tells keys apart without showing them. known-… and ended-…: the first digits of the SHA-256 of a write key that is valid, or has ended. unknown-…: a keyed hash of a key that is not known. none: no key. other: more different keys than are counted.';
COMMENT ON COLUMN fleet.refusals.agent IS 'Name and version of the sender''s library by its User-Agent, when it is a known one; browser; none; other: not a known one, or more different ones than are counted.';
COMMENT ON COLUMN fleet.refusals.requests IS 'Requests that were refused as a whole.';
COMMENT ON COLUMN fleet.refusals.events IS 'Events that were refused one by one, in requests that were answered event by event.';
