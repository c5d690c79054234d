/**
 * The snapshots that the reports of a built DC/OS fleet point to. There are few, as in a real
 * fleet, where installations of the same version and size are alike. All ids are digests of what
 * they identify.
 */
import {
  FRAMEWORKS,
  PACKAGES,
  PATHS,
  PROVIDERS,
  quoted,
  UNITS,
  unitsOf,
  VERSIONS,
} from './names.js';

export const VERSION_COUNT = VERSIONS.length;
export const PROVIDER_COUNT = PROVIDERS.length;
/** Sizes of installations. Size s has 3 or 5 masters and 5 × 2^s agents. */
export const SIZES = 8;
export const PACKAGE_SETS = 300;
export const FRAMEWORK_SETS = 100;
/** A login, a logout, and the pages. */
export const UI_CONTENTS = 2 + PATHS.length;

/** A number from 0 to `below` - 1 that depends only on the arguments. */
const NUMBER = `
  CREATE FUNCTION pg_temp.number(a bigint, b bigint, below integer) RETURNS integer
  LANGUAGE sql IMMUTABLE AS
  'SELECT ((hashint8extended(a * 1000003 + b, 0) & 9223372036854775807) % below)::integer'`;

const ORIGINS = `
  INSERT INTO origin (origin_id, product, version, variant, provider, platform, source)
  SELECT v * 100 + p * 10 + e, 'dcos', (ARRAY[${quoted(VERSIONS)}])[v + 1],
         (ARRAY['open', 'enterprise'])[e + 1], (ARRAY[${quoted(PROVIDERS)}])[p + 1], '', ''
    FROM generate_series(0, ${VERSION_COUNT - 1}) AS v, generate_series(0, ${PROVIDER_COUNT - 1}) AS p,
         generate_series(0, 1) AS e`;

const UNIT_ROWS = VERSIONS.flatMap((_, v) =>
  unitsOf(v).map((unit, n) => `(${v}, ${n}, '${unit}')`),
);

const UNIT_SETS = `
  INSERT INTO unit_set
  SELECT md5('units ' || v)::uuid, array_agg(unit ORDER BY n),
         array_agg(substring(unit FROM '[a-z]+$') ORDER BY n)
    FROM (VALUES ${UNIT_ROWS.join()}) AS u(v, n, unit)
   GROUP BY v`;

/** In state 0 all units are healthy. In state s, unit number s is unhealthy on one node. */
const HEALTH = `
  INSERT INTO health_snapshot (snapshot_id, unit_set_id, totals, unhealthy, dropped)
  SELECT hashtextextended('health ' || v || ' ' || size || ' ' || state, 0), md5('units ' || v)::uuid,
         array_agg(CASE WHEN n % 3 = 0 THEN 3 ELSE 5 * 2 ^ size END::integer ORDER BY n),
         array_agg((n = state)::integer ORDER BY n),
         CASE WHEN v = ${VERSION_COUNT - 1} THEN '{clusterName,fipsMode}'
              WHEN v >= 5 THEN '{clusterName}' ELSE '{}' END::text[]
    FROM generate_series(0, ${VERSION_COUNT - 1}) AS v, generate_series(0, ${SIZES - 1}) AS size,
         generate_series(0, ${UNITS}) AS state, generate_series(1, ${UNITS}) AS n
   GROUP BY v, size, state`;

const PACKAGE_LISTS = `
  INSERT INTO package_snapshot (snapshot_id, packages, versions, instances)
  SELECT hashtextextended('packages ' || s, 0),
         array_agg(package ORDER BY package COLLATE "C"),
         array_agg('1.' || pg_temp.number(s, p, 6) || '.0' ORDER BY package COLLATE "C"),
         array_agg(1 + pg_temp.number(p, s, 3) ORDER BY package COLLATE "C")
    FROM generate_series(0, ${PACKAGE_SETS - 1}) AS s,
         unnest(ARRAY[${quoted(PACKAGES)}]) WITH ORDINALITY AS f(package, p)
   WHERE pg_temp.number(s, p + 99, ${PACKAGES.length + 1}) >= p
   GROUP BY s`;

const FRAMEWORK_LISTS = `
  INSERT INTO framework_snapshot (snapshot_id, frameworks, instances)
  SELECT hashtextextended('frameworks ' || s, 0), array_agg(framework ORDER BY framework COLLATE "C"),
         array_agg(1 + pg_temp.number(f, s, 2) ORDER BY framework COLLATE "C")
    FROM generate_series(0, ${FRAMEWORK_SETS - 1}) AS s,
         unnest(ARRAY[${quoted(FRAMEWORKS)}]) WITH ORDINALITY AS f(framework, f)
   WHERE pg_temp.number(s, f + 499, ${FRAMEWORKS.length + 1}) >= f
   GROUP BY s`;

const UI = `
  INSERT INTO ui_snapshot (snapshot_id, action, path, app_version)
  SELECT hashtextextended('ui ' || u, 0),
         CASE u WHEN 0 THEN 'login' WHEN 1 THEN 'logout' ELSE 'page_view' END,
         coalesce((ARRAY[${quoted(PATHS)}])[u - 1], ''), ''
    FROM generate_series(0, ${UI_CONTENTS - 1}) AS u`;

/** Statements to run in this order on one connection. */
export const CONTENTS = [NUMBER, ORIGINS, UNIT_SETS, HEALTH, PACKAGE_LISTS, FRAMEWORK_LISTS, UI];
