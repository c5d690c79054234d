-- Locks that only the application can take. Every role may call the functions of advisory locks, so a reader
-- could hold one that erasures wait for; rows of a table need rights on it.
CREATE TABLE mutex (
  name  text PRIMARY KEY
);
INSERT INTO mutex (name) VALUES
  ('erasure_requests'), ('month_rewrite'), ('partitions'), ('rollups'), ('rollups_wanted');

CREATE OR REPLACE FUNCTION lock_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM public.mutex WHERE name = 'rollups' FOR UPDATE;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION follow_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  successor text := TG_ARGV[0];
BEGIN
  PERFORM FROM public.mutex WHERE name = 'month_rewrite' FOR SHARE;
  IF TG_OP <> 'INSERT' THEN
    EXECUTE format('DELETE FROM %I WHERE installation_id = $1 AND event_key = $2', successor)
      USING OLD.installation_id, OLD.event_key;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    EXECUTE format('INSERT INTO %I SELECT ($1).* ON CONFLICT DO NOTHING', successor) USING NEW;
  END IF;
  RETURN NULL;
END $$;

-- A day is read in one piece, or in several where that takes long: a piece has the installations whose hash
-- leaves this remainder. The revision counts how often the day was marked again.
ALTER TABLE rollup_stale
  ADD COLUMN modulus   integer NOT NULL DEFAULT 1,
  ADD COLUMN remainder integer NOT NULL DEFAULT 0,
  ADD COLUMN revision  integer NOT NULL DEFAULT 0,
  DROP CONSTRAINT rollup_stale_pkey,
  ADD PRIMARY KEY (day, part, modulus, remainder);

CREATE OR REPLACE FUNCTION mark_stale_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('muster.sums_are_corrected', true) = 'on' THEN
    RETURN NULL;
  END IF;
  INSERT INTO rollup_stale AS s (day, part)
  SELECT DISTINCT a.day, 1 FROM gone g CROSS JOIN LATERAL days_around(g.installation_id, g.product, g.day) AS a(day)
   UNION SELECT DISTINCT g.day, p FROM gone g CROSS JOIN unnest(ARRAY[2, 3]) AS p
      ON CONFLICT (day, part, modulus, remainder) DO UPDATE SET revision = s.revision + 1;
  UPDATE installation_life l SET is_stale = true
    FROM (SELECT DISTINCT installation_id, product FROM gone) g
   WHERE l.installation_id = g.installation_id AND l.product = g.product AND NOT l.is_stale;
  RETURN NULL;
END $$;
