-- What the store does for itself: who did it when, and how a partition is rewritten while others delete
-- from it.

-- The latest runs of each job, by the clock of the database.
CREATE TABLE housekeeping_run (
  job          text           NOT NULL,
  started_at   timestamptz(3) NOT NULL,
  finished_at  timestamptz(3) NOT NULL,
  outcome      text           NOT NULL,  -- done, failed
  detail       jsonb          NOT NULL DEFAULT '{}',
  PRIMARY KEY (job, started_at)
);

-- On a partition that is being rewritten: does to its successor what is done to itself. Whoever copies a
-- piece holds the same lock alone, so a row is changed before it is copied or after, never meanwhile.
CREATE FUNCTION follow_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  successor text := TG_ARGV[0];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(TG_ARGV[1]::integer, TG_RELID::integer);
  IF TG_OP <> 'INSERT' THEN
    EXECUTE format('DELETE FROM %I WHERE installation_id = $1 AND event_key = $2', successor)
      USING OLD.installation_id, OLD.event_key;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    EXECUTE format('INSERT INTO %I SELECT ($1).* ON CONFLICT DO NOTHING', successor) USING NEW;
  END IF;
  RETURN NULL;
END $$;

-- The origins that rollups show although no report may name them any more: they are not collected.
CREATE VIEW rolled_up_origin AS
SELECT o.origin_id FROM installation_day_events e CROSS JOIN LATERAL unnest(e.origins) AS o(origin_id);
