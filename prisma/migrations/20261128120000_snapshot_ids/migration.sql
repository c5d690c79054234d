-- Snapshots are known by 64 bits of their hash instead of 128, which makes a report a tenth narrower: see
-- docs/decisions/0002. Every report is written anew: half a minute for each ten million on two cores, and room
-- for as many on the disk.

-- Views stand in the way of a column's other type. They are put aside with their owners, rights and comments,
-- also those that somebody else has made of ours.
CREATE TEMPORARY TABLE view_aside ON COMMIT DROP AS
WITH RECURSIVE made_of AS (
  SELECT DISTINCT w.ev_class AS view, d.refobjid AS source
    FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid
   WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND w.ev_class <> d.refobjid),
affected AS (
  SELECT m.view, 1 AS depth FROM made_of m
   WHERE m.source IN ('report'::regclass, 'ui_reading'::regclass, 'health_snapshot'::regclass,
                      'package_snapshot'::regclass, 'framework_snapshot'::regclass, 'ui_snapshot'::regclass,
                      'metric_snapshot'::regclass, 'error_snapshot'::regclass, 'installation_latest'::regclass,
                      'installation_day'::regclass, 'installation_day_events'::regclass)
   UNION
  SELECT m.view, a.depth + 1 FROM affected a JOIN made_of m ON m.source = a.view)
SELECT c.oid, max(a.depth) AS depth, c.oid::regclass::text AS name, c.reloptions AS options, c.relowner AS owner,
       c.relacl AS rights, pg_get_viewdef(c.oid) AS definition, obj_description(c.oid, 'pg_class') AS about
  FROM affected a JOIN pg_class c ON c.oid = a.view
 GROUP BY c.oid;

CREATE TEMPORARY TABLE column_aside ON COMMIT DROP AS
SELECT v.name, a.attname AS column, col_description(v.oid, a.attnum) AS about
  FROM view_aside v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0;

DO $$
DECLARE
  aside record;
BEGIN
  FOR aside IN SELECT name FROM view_aside ORDER BY depth DESC LOOP
    EXECUTE format('DROP VIEW %s', aside.name);
  END LOOP;
END $$;

CREATE FUNCTION pg_temp.first_half(id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || left(replace(id::text, '-', ''), 16))::bit(64)::bigint $$;
CREATE FUNCTION pg_temp.first_halves(ids uuid[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(array_agg(pg_temp.first_half(id) ORDER BY n), '{}') FROM unnest(ids) WITH ORDINALITY AS i(id, n) $$;

ALTER TABLE health_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE package_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE framework_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE ui_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE metric_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE error_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE report ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE ui_reading ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE erasure_snapshot ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE installation_latest ALTER snapshot_id TYPE bigint USING pg_temp.first_half(snapshot_id);
ALTER TABLE installation_day
  ALTER health_id TYPE bigint USING pg_temp.first_half(health_id),
  ALTER package_id TYPE bigint USING pg_temp.first_half(package_id),
  ALTER framework_id TYPE bigint USING pg_temp.first_half(framework_id),
  ALTER metric_id TYPE bigint USING pg_temp.first_half(metric_id);
ALTER TABLE installation_day_events ALTER contents TYPE bigint[] USING pg_temp.first_halves(contents);

DO $$
DECLARE
  aside record;
  part  record;
BEGIN
  FOR aside IN SELECT * FROM view_aside ORDER BY depth LOOP
    EXECUTE format('CREATE VIEW %s %s AS %s', aside.name,
                   'WITH (' || array_to_string(aside.options, ', ') || ')', aside.definition);
    EXECUTE format('COMMENT ON VIEW %s IS %L', aside.name, aside.about);
    FOR part IN SELECT * FROM column_aside WHERE name = aside.name AND about IS NOT NULL LOOP
      EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', aside.name, part.column, part.about);
    END LOOP;
    FOR part IN
      SELECT privilege_type AS privilege, grantee, pg_get_userbyid(grantee) AS role, is_grantable
        FROM aclexplode(aside.rights) WHERE grantee <> aside.owner
    LOOP
      EXECUTE format('GRANT %s ON %s TO %s %s', part.privilege, aside.name,
                     CASE part.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(part.role) END,
                     CASE WHEN part.is_grantable THEN 'WITH GRANT OPTION' END);
    END LOOP;
    IF pg_get_userbyid(aside.owner) <> current_user THEN
      EXECUTE format('ALTER VIEW %s OWNER TO %I', aside.name, pg_get_userbyid(aside.owner));
    END IF;
  END LOOP;
END $$;
