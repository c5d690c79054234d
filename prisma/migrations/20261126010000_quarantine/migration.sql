-- Quarantined events are listed, looked at, replayed and discarded.

-- A number names an event to administrators and is where a listing goes on; an installation's id would
-- not go into an address. Version: of the product, as the event names it; empty where it is not known.
-- There is no index by what events are listed by: it would cost a flood of them more than a look at them.
ALTER TABLE quarantined_event
  ADD COLUMN quarantine_id bigint GENERATED ALWAYS AS IDENTITY,
  ADD COLUMN version text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX quarantined_event_quarantine_id_key ON quarantined_event (quarantine_id);

-- Replays and discards: what was asked, and how far it is. Nothing in it names an installation.
CREATE TABLE quarantine_job (
  job_id             uuid           PRIMARY KEY,
  kind               text           NOT NULL,  -- replay, discard
  filter             jsonb          NOT NULL,
  state              text           NOT NULL,  -- requested, running, complete, failed
  requested_at       timestamptz(3) NOT NULL,
  requested_by       text           NOT NULL,
  started_at         timestamptz(3),
  completed_at       timestamptz(3),
  -- It is about what was there when it started, up to up_to_id; last_id is how far it is.
  last_id            bigint         NOT NULL DEFAULT 0,
  up_to_id           bigint,
  total              integer,
  done               integer        NOT NULL DEFAULT 0,
  -- What the events of a replay are now.
  stored             integer        NOT NULL DEFAULT 0,
  quarantined_again  integer        NOT NULL DEFAULT 0,
  duplicate          integer        NOT NULL DEFAULT 0,
  suppressed         integer        NOT NULL DEFAULT 0,
  empty              integer        NOT NULL DEFAULT 0,
  blocked            integer        NOT NULL DEFAULT 0,
  -- Attempts since it last got on.
  attempts           integer        NOT NULL DEFAULT 0,
  failure            text,
  -- Whoever works on it renews this; when it is over, another one goes on.
  claimed_until      timestamptz(3)
);
CREATE INDEX quarantine_job_requested_at_job_id_idx ON quarantine_job (requested_at, job_id);

CREATE OR REPLACE VIEW fleet.quarantined_events AS
SELECT installation_id, product, received_at, event, reason, path, NULL::text[] AS keys, 1::bigint AS event_count,
       nullif(version, '') AS product_version
  FROM public.quarantined_event
 UNION ALL
SELECT NULL, product, hour, NULL, reason, path, keys, event_count, NULL
  FROM public.unidentified_event;
COMMENT ON COLUMN fleet.quarantined_events.product_version IS 'The product''s version that the event named; null when it named none.';
