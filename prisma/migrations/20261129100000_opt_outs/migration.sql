-- After an installation opts out, its events are counted as opted_out and not stored, until it opts in again.

ALTER TABLE ingest_tally ADD COLUMN opted_out bigint NOT NULL DEFAULT 0;
ALTER TABLE quarantine_job ADD COLUMN opted_out integer NOT NULL DEFAULT 0;

-- Whether an opt-out of the installation is stored. Writers read it with the lock that they take anyway, and look up
-- consent_event only where it is true.
ALTER TABLE installation ADD COLUMN has_opted_out boolean NOT NULL DEFAULT false;
UPDATE installation i SET has_opted_out = true
  FROM (SELECT DISTINCT installation_id, product FROM consent_event WHERE opted_out) AS c
 WHERE c.installation_id = i.installation_id AND c.product = i.product;

-- Whether the last consent event of the day was an opt-out: an installation that opted out has not gone silent.
ALTER TABLE installation_day ADD COLUMN opted_out boolean NOT NULL DEFAULT false;

CREATE INDEX consent_event_by_time ON consent_event (installation_id, product, observed_at, event_key);
CREATE INDEX consent_event_by_day ON consent_event (observed_at);
-- The days that are kept are read again, so that opt-outs of before show in them.
INSERT INTO rollup_change SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date FROM consent_event WHERE opted_out;

CREATE OR REPLACE VIEW fleet.ingest_balance AS
SELECT product, hour,
       sum(accepted)::bigint AS accepted,
       sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate,
       sum(quarantined)::bigint AS quarantined,
       sum(suppressed)::bigint AS suppressed,
       sum(empty)::bigint AS empty,
       sum(accepted - stored - duplicate - quarantined - suppressed - empty - blocked - opted_out)::bigint AS unaccounted,
       sum(blocked)::bigint AS blocked,
       sum(acknowledged)::bigint AS acknowledged,
       sum(queued)::bigint AS queued,
       sum(lost)::bigint AS lost,
       sum(opted_out)::bigint AS opted_out
  FROM (SELECT product, hour, accepted, stored, duplicate, quarantined, suppressed, empty, blocked, opted_out,
               NULL::bigint AS acknowledged, NULL::bigint AS queued, NULL::bigint AS lost
          FROM public.ingest_tally
         UNION ALL
        SELECT product, hour, 0, 0, 0, 0, 0, 0, 0, 0, acknowledged, queued, lost
          FROM public.ingest_expected) AS counted
 GROUP BY product, hour;
COMMENT ON VIEW fleet.ingest_balance IS 'One row per product and hour of receipt: how many events were acknowledged, how many of them workers accepted, and what became of them. accepted = stored + duplicate + quarantined + suppressed + empty + blocked + opted_out.';
COMMENT ON COLUMN fleet.ingest_balance.unaccounted IS 'accepted less the seven fates: 0 when the books balance.';
COMMENT ON COLUMN fleet.ingest_balance.opted_out IS 'Events of installations that had opted out when they happened. Nothing else of them is kept.';

CREATE OR REPLACE VIEW fleet.installation_lives AS
SELECT l.installation_id, l.product, l.first_day, nullif(f.version, '') AS first_version,
       l.last_day, nullif(o.version, '') AS last_version, l.active_days, l.returns,
       l.last_day + coalesce(c.silent_after_days, 3) < (now() AT TIME ZONE 'UTC')::date
         AND k.opted_out IS NOT TRUE AS is_silent
  FROM public.installation_life l
  LEFT JOIN public.origin f ON f.origin_id = l.first_origin_id
  LEFT JOIN public.origin o ON o.origin_id = l.last_origin_id
  LEFT JOIN public.product_cadence c ON c.product = l.product
  LEFT JOIN (SELECT DISTINCT ON (installation_id, product) installation_id, product, opted_out
               FROM public.consent_event
              ORDER BY installation_id, product, observed_at DESC, event_key DESC) k
         ON k.installation_id = l.installation_id AND k.product = l.product;
COMMENT ON COLUMN fleet.installation_lives.is_silent IS 'Whether it counts as silent today; see fleet.product_cadences. Silent is not dead: it may return. One that has opted out is not silent.';
COMMENT ON COLUMN fleet.installation_lives.returns IS 'How often it sent something again after as long an absence as makes it silent, opted out or not, on days that are kept.';
COMMENT ON COLUMN fleet.daily_fleet.returned IS 'Of the active ones, those that were back after as long an absence as makes an installation silent, opted out or not.';
