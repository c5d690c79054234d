-- Reports remember which write key sent them: the beginning of its SHA-256, empty where that is not known. It
-- is one more thing that an origin is known by, and so costs a report nothing.
ALTER TABLE origin ADD COLUMN key_id text NOT NULL DEFAULT '';
DROP INDEX origin_key;
CREATE UNIQUE INDEX origin_key ON origin (product, version, variant, provider, platform, source, key_id);

-- What administrators have removed that a key had sent, and how far that is.
CREATE TABLE purge (
  purge_id       uuid           PRIMARY KEY,
  key_id         text           NOT NULL,
  received_from  timestamptz(3) NOT NULL,
  received_to    timestamptz(3) NOT NULL,
  state          text           NOT NULL,  -- requested, running or complete
  requested_at   timestamptz(3) NOT NULL,
  requested_by   text           NOT NULL,
  completed_at   timestamptz(3),
  claimed_until  timestamptz(3),
  removed        jsonb          NOT NULL DEFAULT '{}'
);
CREATE INDEX purge_requested_at_idx ON purge (requested_at);

-- The installations that a purge has taken events of, until it has seen whether anything is left of them.
CREATE TABLE purge_installation (
  installation_id  uuid NOT NULL,
  purge_id         uuid NOT NULL,
  PRIMARY KEY (installation_id, purge_id)
);
CREATE INDEX purge_installation_purge_id_idx ON purge_installation (purge_id);

-- Of names that are counted together under * there is no median.
ALTER TABLE metric_day ALTER COLUMN median DROP NOT NULL, ALTER COLUMN p90 DROP NOT NULL;
COMMENT ON COLUMN fleet.daily_metrics.median IS 'The figure that half of the installations do not exceed; null for the metric *.';
COMMENT ON COLUMN fleet.daily_metrics.p90 IS 'The figure that nine of ten installations do not exceed; null for the metric *.';

-- Days of which not every name has a row of its own. The folded row has * in the place of its names.
CREATE VIEW fleet.daily_others AS
SELECT day, product, 'daily_mix' AS view, installations FROM public.mix_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_fleet', active FROM public.fleet_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_units', installations FROM public.unit_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_packages', installations FROM public.package_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_frameworks', installations FROM public.framework_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_metrics', installations FROM public.metric_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_capacity', sum(installations) FROM public.capacity_day WHERE version = '*' GROUP BY 1, 2
 UNION ALL SELECT day, product, 'daily_usage', installations FROM public.usage_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_counters', installations FROM public.counter_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_errors', installations FROM public.error_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_dropped_properties', installations FROM public.dropped_day WHERE version = '*'
 UNION ALL SELECT day, product, 'daily_ui', installations FROM public.ui_day WHERE version = '*';
COMMENT ON VIEW fleet.daily_others IS 'One row per day, product and daily view that had more than 50,000 names and versions: the rarest of them are counted in one row, under *.';
COMMENT ON COLUMN fleet.daily_others.day IS 'The day, in UTC, by the time at which things were observed.';
COMMENT ON COLUMN fleet.daily_others.product IS 'The product, as the write key names it.';
COMMENT ON COLUMN fleet.daily_others.view IS 'The view that has the row.';
COMMENT ON COLUMN fleet.daily_others.installations IS 'Installations that are counted under *, each once for every name and version.';

-- The planner's statistics are samples of a table's values, and keep those of rows that are gone. Removes the
-- ids of installations from them, wherever they are: in a column of ids, or in a text that holds one. A table
-- that maintenance holds for longer is left out. Returns how many columns were sampled again.
CREATE FUNCTION forget_statistics(ids uuid[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '3s' AS $$
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
      -- An empty table is not sampled, and would keep the statistics that it has.
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
