-- Functions and triggers.

-- The audit log is append-only, even for its owner.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is only added to.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Days whose rollups are out of date. ROWS 2 makes the planner look up the reports of these days; otherwise it would read
-- all reports. Analysts call the function through views, without access to its tables. Functions that run with the rights
-- of their owner search only pg_catalog: the application may create functions and operators in public, and one that matches
-- the types of its arguments exactly would be preferred to a built-in one.
CREATE FUNCTION changed_days() RETURNS SETOF date
LANGUAGE plpgsql STABLE ROWS 2 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT day FROM public.rollup_change UNION SELECT day FROM public.rollup_stale WHERE part = 0;
END $$;

-- Rows of installation_day are deleted under the lock that refreshes hold. The trigger marks the affected sums as stale, so
-- an erasure needs to know none of them.
CREATE FUNCTION lock_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM public.mutex WHERE name = 'rollups' FOR UPDATE;
  RETURN NULL;
END $$;
CREATE TRIGGER installation_day_is_locked BEFORE DELETE ON installation_day
  FOR EACH STATEMENT EXECUTE FUNCTION lock_rollups();

-- The days whose sums in fleet_day depend on whether an installation was active on a day: that day, the days on which it
-- would otherwise count as silent, and its next active day, on which it returns.
CREATE FUNCTION days_around(installation uuid, of_product text, on_day date) RETURNS SETOF date
LANGUAGE sql STABLE AS $$
  WITH silent AS (
    SELECT coalesce((SELECT c.silent_after_days FROM product_cadence c WHERE c.product = of_product), 3) AS days),
  around AS (
    SELECT (SELECT max(d.day) FROM installation_day d WHERE d.installation_id = installation
               AND d.product = of_product AND d.day < on_day) AS previous,
           (SELECT min(d.day) FROM installation_day d WHERE d.installation_id = installation
               AND d.product = of_product AND d.day > on_day) AS next)
  SELECT on_day
   UNION SELECT on_day + silent.days FROM silent
   UNION SELECT around.previous + silent.days FROM around, silent WHERE around.previous IS NOT NULL
   UNION SELECT around.next FROM around WHERE around.next IS NOT NULL
$$;

-- A transaction that subtracts the installation from all sums itself, as an erasure does, sets muster.sums_are_corrected.
CREATE FUNCTION mark_stale_rollups() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER installation_day_is_summed AFTER DELETE ON installation_day
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION mark_stale_rollups();

-- Trigger of a partition that maintenance is rewriting: repeats each change in its successor. The transaction that copies
-- rows holds the lock exclusively, so a row changes either before or after it is copied.
CREATE FUNCTION follow_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- Planner statistics are samples of a table's values, and survive its rows. Removes the ids of installations from them,
-- in columns of ids and in texts that contain an id. Skips a table whose lock is not free within 3 seconds. Returns the
-- number of columns that were sampled again.
CREATE FUNCTION forget_statistics(ids uuid[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  sampled record;
  columns integer := 0;
BEGIN
  FOR sampled IN
    SELECT s.tablename, s.attname, s.inherited
      FROM pg_stats s
     WHERE s.schemaname = 'public'
       AND s.tablename IN (SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                            WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'installation_id')
       AND EXISTS (
           SELECT FROM regexp_matches(concat(s.most_common_vals::text, ' ', s.histogram_bounds::text),
                         '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') AS m(found)
            WHERE m.found[1]::uuid = ANY (ids))
  LOOP
    BEGIN
      -- ANALYZE does not sample an empty table, which would keep its statistics.
      IF to_regprocedure('pg_clear_attribute_stats(text, text, text, boolean)') IS NOT NULL THEN
        EXECUTE 'SELECT pg_clear_attribute_stats($1, $2, $3, $4)'
          USING 'public', sampled.tablename::text, sampled.attname::text, sampled.inherited;
      ELSIF current_setting('is_superuser') = 'on' THEN
        DELETE FROM pg_statistic s USING pg_attribute a
         WHERE a.attrelid = format('public.%I', sampled.tablename)::regclass AND a.attname = sampled.attname
           AND s.starelid = a.attrelid AND s.staattnum = a.attnum;
      END IF;
      EXECUTE format('ANALYZE public.%I (%I)', sampled.tablename, sampled.attname);
      columns := columns + 1;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RETURN columns;
END $$;
REVOKE EXECUTE ON FUNCTION forget_statistics(uuid[]) FROM PUBLIC;
