import type pg from 'pg';
import { addQuarantined, addTally } from './fates.js';
import { FRAMEWORK_SETS, PACKAGE_SETS, SIZES, UI_CONTENTS, VERSION_COUNT } from './contents.js';
import { UNITS } from './names.js';

/**
 * The kind of report in an hour of the day: one each of resources, packages and a visit. Twins with
 * two sizes report resources eight times a day.
 */
const KIND = `CASE WHEN twin = 2 AND t % 3 = 0 THEN 2
                   ELSE CASE (t + i) % 24 WHEN 0 THEN 2 WHEN 1 THEN 3 WHEN 2 THEN 4 ELSE 1 END END`;

/** The state of an installation's units changes every hundred hours, mostly back to healthy. */
const STATE = `CASE WHEN pg_temp.number(i, (t + i) / 100 + 10000, 10) <= v / 5
                    THEN 1 + pg_temp.number(i, (t + i) / 100 + 20000, ${UNITS}) ELSE 0 END`;

/** A visit. One in eight is a login. */
const VISIT = `greatest(0, pg_temp.number(i, t, ${UI_CONTENTS + 4}) - 4)`;

/** A browser sometimes sends a page view twice. Other reports come from every master. */
const COPIES = `CASE WHEN (t + i) % 24 = 2 THEN 1 + (pg_temp.number(i, t + 11, 50) = 0)::integer ELSE masters END`;

const IS_ON = `t >= born AND t < ends AND NOT (t >= pauses AND t < pauses + pause_hours)
  AND (NOT is_rarely_on OR t % 24 - pg_temp.number(i, t / 24, 22) BETWEEN 0 AND 2)
  AND pg_temp.number(i, t + 7, 100) > 0`;

const ARRIVING = `
  CREATE TEMP TABLE arriving AS
  SELECT 'dcos' AS product, id, event_key, at, kind, i, t, v, size, v * 100 + place AS origin_id, clock,
         CASE WHEN clock = 1 THEN at - interval '2 seconds'
              WHEN is_off AND drift = 3 THEN at + (90 + pg_temp.number(i, 18, 72000)) * interval '1 second'
              ELSE at END AS observed_at,
         hashtextextended(CASE kind WHEN 1 THEN 'health ' || v || ' ' || size || ' ' || ${STATE}
                                    WHEN 2 THEN 'frameworks ' || pg_temp.number(i, (t + i) / 2400, ${FRAMEWORK_SETS})
                                    WHEN 3 THEN 'packages ' || pg_temp.number(i, (t + i) / 2400, ${PACKAGE_SETS})
                                    ELSE 'ui ' || ${VISIT} END, 0) AS snapshot_id
    FROM (SELECT *, CASE WHEN is_off THEN drift % 3 ELSE 0 END AS clock
            FROM (SELECT id, i, t, drift, ${KIND} AS kind, version + (t >= upgrades)::integer AS v,
                         CASE WHEN twin = 2 AND t / 3 % 2 = 0 THEN (size + 3) % ${SIZES} ELSE size END AS size,
                         CASE WHEN twin = 1 AND t % 2 = 0 THEN (place + 10) % 40 ELSE place END AS place,
                         hashint8extended(i * 8 + copy, t) AS event_key,
                         drift > 0 AND hashint8extended(i * 8 + copy, t) & 7 = 0 AS is_off,
                         to_timestamp(t * 3600.0 + pg_temp.number(i, t, 300) + copy) AS at
                    FROM generate_series($1::integer, $1::integer + 23) AS t, member AS m,
                         generate_series(1, ${COPIES}) AS copy
                   WHERE ${IS_ON}) AS sent) AS reported
   ORDER BY at`;

const REPORTS = `
  INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id, origin_id, kind, clock)
  SELECT id, event_key, at, observed_at, snapshot_id, origin_id, kind, clock FROM arriving`;

const RESOURCES = `
  INSERT INTO resource_reading (installation_id, event_key, received_at, observed_at, origin_id,
         cpu_total, cpu_used, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb,
         agents_active, agents_connected, task_count, framework_count)
  SELECT id, event_key, at, observed_at, origin_id, cpus, cpus * load, cpus * 4096, cpus * 4096 * load,
         cpus * 50000, cpus * 50000 * load, agents, agents, agents * 6, 4
    FROM arriving, LATERAL (SELECT (5 * 2 ^ size)::integer AS agents, 40 * 2 ^ size AS cpus,
                                   0.1 + pg_temp.number(i, t, 70) / 100.0 AS load) AS figures
   WHERE kind = 2`;

const VISITS = `
  INSERT INTO ui_reading (installation_id, event_key, received_at, observed_at, snapshot_id,
                          user_key, visitor_key, origin_id)
  SELECT id, event_key, at, observed_at, snapshot_id, hashint8extended(i, pg_temp.number(i, t, 12)),
         hashint8extended(i, pg_temp.number(i, t, 12)), origin_id
    FROM arriving WHERE kind = 4`;

/** One in 8192 reports has a dropped reading. */
const DEFECTS = `
  WITH defective AS MATERIALIZED (SELECT * FROM arriving WHERE event_key & 8191 = 7),
  kept AS (
    INSERT INTO original_event (installation_id, event_key, received_at, envelope)
    SELECT id, event_key, at,
           json_build_object('product', product, 'event', 'health', 'installationId', id,
                             'receivedAt', (date_part('epoch', at) * 1000)::bigint, 'properties', (
             SELECT json_object_agg('health-unit-' || unit || key, figure)
               FROM health_snapshot s JOIN unit_set us USING (unit_set_id),
                    unnest(us.units, s.totals, s.unhealthy) AS u(unit, total, unhealthy),
                    LATERAL (VALUES ('-total', u.total), ('-unhealthy', u.unhealthy)) AS f(key, figure)
              WHERE s.snapshot_id = defective.snapshot_id))
      FROM defective)
  INSERT INTO defect (installation_id, event_key, received_at, observed_at, origin_id, kind, path, reason)
  SELECT id, event_key, at, observed_at, origin_id, kind,
         CASE kind WHEN 2 THEN (ARRAY['mem_used', 'disk_used'])[1 + i % 2]
                   WHEN 3 THEN 'package_list[' || i % 9 || '].version'
                   WHEN 4 THEN 'appVersion'
                   WHEN 1 THEN 'health-unit-' || CASE WHEN v = ${VERSION_COUNT - 1} AND i % 2 = 0
                                                      THEN 'dcos-fluent-bit-service' ELSE 'dcos-mesos-service' END
                               || '-total' END,
         CASE kind WHEN 1 THEN 'fractional' WHEN 2 THEN 'not_a_number' ELSE 'malformed' END
    FROM defective`;

/** One in 2048 reports has a duplicate, one in 2048 a quarantined event, and so on. */
const FATE_BITS = 2047;

/** Adds the reports of the DC/OS installations for 24 hours. */
export async function addDcosDay(client: pg.ClientBase, start: number): Promise<void> {
  await client.query('DROP TABLE IF EXISTS arriving');
  await client.query(ARRIVING, [start]);
  for (const statement of [REPORTS, RESOURCES, VISITS, DEFECTS]) await client.query(statement);
  await addQuarantined(client, 'arriving', FATE_BITS);
  await addTally(client, 'arriving', FATE_BITS);
}
