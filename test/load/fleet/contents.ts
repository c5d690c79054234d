/**
 * The contents that the reports of a built fleet point at: few, as in a real fleet, where installations
 * of one version and size look alike. All ids are digests of what they stand for.
 */

const VERSIONS = ['1.8.9', '1.9.11', '1.10.11', '1.11.12', '1.12.5', '1.13.9', '2.0.4', '2.1.0'];
const PROVIDERS = ['aws', 'azure', 'gcp', 'onprem'];

export const VERSION_COUNT = VERSIONS.length;
export const PROVIDER_COUNT = PROVIDERS.length;
/** Of installations. A size of s has 3 masters, or 5, and 5 × 2^s agents. */
export const SIZES = 8;
/** Units of a version. In state 0 all are healthy; in state s the unit number s is not, on one node. */
export const UNITS = 30;
export const PACKAGE_SETS = 300;
export const FRAMEWORK_SETS = 100;
export const PAGES = 40;

/** A number from 0 to `below` - 1 that only depends on its arguments. */
const NUMBER = `
  CREATE FUNCTION pg_temp.number(a bigint, b bigint, below integer) RETURNS integer
  LANGUAGE sql IMMUTABLE AS
  'SELECT ((hashint8extended(a * 1000003 + b, 0) & 9223372036854775807) % below)::integer'`;

const ORIGINS = `
  INSERT INTO origin (origin_id, product, version, variant, provider, platform, source)
  SELECT v * 100 + p * 10 + e, 'dcos', (ARRAY[${quoted(VERSIONS)}])[v + 1],
         (ARRAY['open', 'enterprise'])[e + 1], (ARRAY[${quoted(PROVIDERS)}])[p + 1], '', ''
    FROM generate_series(0, ${VERSION_COUNT - 1}) AS v, generate_series(0, ${PROVIDER_COUNT - 1}) AS p,
         generate_series(0, 1) AS e
  UNION ALL
  SELECT 10000 + v, 'octopus', '2026.' || v || '.1', '', '', '', '' FROM generate_series(1, 4) AS v
  UNION ALL
  SELECT 20000 + v, 'resoto', '4.' || v || '.0', '', '', '', 'resotocore'
    FROM generate_series(0, 3) AS v`;

const UNIT_SETS = `
  INSERT INTO unit_set
  SELECT md5('units ' || v)::uuid,
         array_agg(CASE WHEN n < 24 THEN 'dcos-part-' || n ELSE 'dcos-v' || v || '-part-' || n END
                   || CASE WHEN n % 5 = 0 THEN '-timer' ELSE '-service' END ORDER BY n),
         array_agg(CASE WHEN n % 5 = 0 THEN 'timer' ELSE 'service' END ORDER BY n)
    FROM generate_series(0, ${VERSION_COUNT - 1}) AS v, generate_series(1, ${UNITS}) AS n
   GROUP BY v`;

const HEALTH = `
  INSERT INTO health_snapshot (snapshot_id, unit_set_id, totals, unhealthy)
  SELECT md5('health ' || v || ' ' || size || ' ' || state)::uuid, md5('units ' || v)::uuid,
         array_agg(CASE WHEN n % 3 = 0 THEN 3 ELSE 5 * 2 ^ size END::integer ORDER BY n),
         array_agg((n = state)::integer ORDER BY n)
    FROM generate_series(0, ${VERSION_COUNT - 1}) AS v, generate_series(0, ${SIZES - 1}) AS size,
         generate_series(0, ${UNITS}) AS state, generate_series(1, ${UNITS}) AS n
   GROUP BY v, size, state`;

const PACKAGES = `
  INSERT INTO package_snapshot (snapshot_id, packages, versions, instances)
  SELECT md5('packages ' || s)::uuid,
         array_agg('package-' || p ORDER BY p),
         array_agg('1.' || pg_temp.number(s, p, 6) || '.0' ORDER BY p),
         array_agg(1 + pg_temp.number(p, s, 3) ORDER BY p)
    FROM generate_series(0, ${PACKAGE_SETS - 1}) AS s, generate_series(0, 39) AS p
   WHERE pg_temp.number(s, p + 100, 41) > p
   GROUP BY s`;

const FRAMEWORKS = `
  INSERT INTO framework_snapshot (snapshot_id, frameworks, instances)
  SELECT md5('frameworks ' || s)::uuid, array_agg('framework-' || f ORDER BY f),
         array_agg(1 + pg_temp.number(f, s, 2) ORDER BY f)
    FROM generate_series(0, ${FRAMEWORK_SETS - 1}) AS s, generate_series(0, 14) AS f
   WHERE pg_temp.number(s, f + 500, 16) > f
   GROUP BY s`;

const PAGES_SEEN = `
  INSERT INTO ui_snapshot (snapshot_id, action, path, app_version)
  SELECT md5('page ' || p)::uuid, CASE WHEN p < 4 THEN 'login' ELSE 'page' END,
         CASE WHEN p < 4 THEN '' ELSE '/part-' || p END, ''
    FROM generate_series(0, ${PAGES - 1}) AS p`;

const METRICS = `
  WITH sets AS (
    INSERT INTO metric_set VALUES
      (md5('octopus metrics')::uuid, ARRAY['projects', 'tenants', 'deployments', 'machines'], ARRAY['', '', '', '']),
      (md5('resoto figures')::uuid, ARRAY['total'], ARRAY['']))
  INSERT INTO metric_snapshot (snapshot_id, metric_set_id, event, outcome, describes, figures, dropped)
  SELECT md5('octopus ' || n)::uuid, md5('octopus metrics')::uuid, 'metrics', '', true,
         ARRAY[n % 60, n % 7, (n * 13) % 400, n % 90]::double precision[], '{}'::text[]
    FROM generate_series(0, 999) AS n
  UNION ALL
  SELECT md5('resoto ' || n)::uuid, md5('resoto figures')::uuid,
         (ARRAY['system.started', 'cli.command', 'task-handler.task-started', 'task-handler.task-completed'])[n % 4 + 1],
         CASE WHEN n % 4 = 3 THEN CASE WHEN n % 12 = 3 THEN 'failed' ELSE 'done' END ELSE '' END,
         false, ARRAY[1 + n % 25]::double precision[], '{}'::text[]
    FROM generate_series(0, 399) AS n`;

const ERRORS = `
  INSERT INTO error_snapshot (snapshot_id, event, error_kind, fingerprint, message, occurrences, dropped)
  SELECT md5('error ' || n)::uuid, 'error.server', (ARRAY['KeyError', 'TimeoutError', 'OSError'])[n % 3 + 1],
         left(md5('fingerprint ' || n), 16), 'a thing failed', 1, '{}'::text[]
    FROM generate_series(0, 59) AS n`;

/** In the order in which they are to be carried out, on one connection. */
export const CONTENTS = [
  ...[NUMBER, ORIGINS, UNIT_SETS, HEALTH, PACKAGES, FRAMEWORKS, PAGES_SEEN, METRICS, ERRORS],
];

function quoted(texts: readonly string[]): string {
  return texts.map((text) => `'${text}'`).join();
}
