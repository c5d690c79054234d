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

COMMENT ON VIEW fleet.ingest_balance IS 'One row per product and hour of receipt: how many events were acknowledged, how many of these workers accepted, and the fates of the accepted events. accepted = stored + duplicate + quarantined + suppressed + empty + blocked + opted_out.';
COMMENT ON COLUMN fleet.ingest_balance.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.ingest_balance.hour IS 'The hour of receipt.';
COMMENT ON COLUMN fleet.ingest_balance.accepted IS 'Events that workers took from the queue, as each batch declares them.';
COMMENT ON COLUMN fleet.ingest_balance.stored IS 'Events whose rows are stored.';
COMMENT ON COLUMN fleet.ingest_balance.duplicate IS 'Repetitions of an event within 30 days.';
COMMENT ON COLUMN fleet.ingest_balance.quarantined IS 'Events in quarantine; see fleet.quarantined_events.';
COMMENT ON COLUMN fleet.ingest_balance.suppressed IS 'Events of erased installations, and installations'' own requests to be erased.';
COMMENT ON COLUMN fleet.ingest_balance.empty IS 'Requests without an event.';
COMMENT ON COLUMN fleet.ingest_balance.unaccounted IS 'accepted minus the seven fates: 0 if the balance is correct.';
COMMENT ON COLUMN fleet.ingest_balance.blocked IS 'Events that an administrator has blocked.';
COMMENT ON COLUMN fleet.ingest_balance.acknowledged IS 'Events that ingest acknowledged, as its processes counted them; null if none reported a count for the hour.';
COMMENT ON COLUMN fleet.ingest_balance.queued IS 'Events that were in the queue at the latest comparison; null if acknowledged is null.';
COMMENT ON COLUMN fleet.ingest_balance.lost IS 'Acknowledged events that are neither accepted nor queued: they were lost in the queue. A lower bound until the hour is over and its queue is empty. Null if acknowledged is null.';
COMMENT ON COLUMN fleet.ingest_balance.opted_out IS 'Events of installations that had opted out when the events happened. Nothing else is kept of them.';
