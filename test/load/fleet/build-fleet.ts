import pg from 'pg';
import {
  CONTENTS,
  FRAMEWORK_SETS,
  PACKAGE_SETS,
  PAGES,
  PROVIDER_COUNT,
  SIZES,
  UNITS,
  VERSION_COUNT,
} from './contents.js';

export interface FleetOptions {
  /** Of DC/OS, which report hourly; a tenth as many of Octopus and a twentieth of Resoto come on top. */
  installations: number;
  days: number;
  /** The end of the last hour of reports. */
  until: Date;
}

const HOUR_MS = 3_600_000;

/**
 * Builds a fleet directly in a migrated, empty database: the same one for the same options, whenever and
 * wherever. Each DC/OS installation reports once an hour: mostly its health; its resources, packages
 * and a page view once a day. 1 in 100 reports differs from the one before. Some installations appear
 * within the time, some fall silent for good or for five days, a third upgrade, and a few have three
 * masters that all report.
 */
export async function buildFleet(
  databaseUrl: string,
  { installations, days, until }: FleetOptions,
  say: (line: string) => void,
): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    options: '-c synchronous_commit=off -c work_mem=256MB -c maintenance_work_mem=1GB',
  });
  await client.connect();
  try {
    for (const statement of CONTENTS) await client.query(statement);
    const end = Math.floor(until.getTime() / HOUR_MS);
    const start = end - days * 24;
    await describeFleet(client, installations, start, days * 24);
    const partitions = await makePartitions(client, start, end);
    for (let day = 0; day < days; day += 1) {
      say(`Day ${day + 1} of ${days} ...`);
      await addDay(client, start + day * 24);
    }
    say('Indexes ...');
    for (const partition of partitions) await finishPartition(client, partition);
    await addInstallations(client);
    await client.query('VACUUM (ANALYZE)');
  } finally {
    await client.end();
  }
}

/** One row an installation says when it lives, how large it is, and when it upgrades. */
async function describeFleet(
  client: pg.ClientBase,
  installations: number,
  start: number,
  hours: number,
): Promise<void> {
  await client.query(
    `CREATE TEMP TABLE member AS
     SELECT i, md5('installation ' || i)::uuid AS id,
            pg_temp.number(i, 1, ${SIZES}) AS size,
            (pg_temp.number(i, 2, ${PROVIDER_COUNT}) * 10 + pg_temp.number(i, 3, 4) / 3) AS place,
            pg_temp.number(i, 4, ${VERSION_COUNT - 1}) AS version,
            -- In hours since 1970, as all times here.
            CASE WHEN pg_temp.number(i, 5, 100) < 30 THEN $2 + pg_temp.number(i, 6, $3) ELSE 0x7fffffff END AS upgrades,
            CASE WHEN pg_temp.number(i, 7, 100) < 15 THEN $2 + pg_temp.number(i, 8, $3) ELSE 0 END AS born,
            CASE WHEN pg_temp.number(i, 9, 100) < 5 THEN $2 + pg_temp.number(i, 10, $3) ELSE 0x7fffffff END AS ends,
            CASE WHEN pg_temp.number(i, 11, 100) < 3 THEN $2 + pg_temp.number(i, 12, $3) ELSE 0 END AS pauses,
            CASE WHEN pg_temp.number(i, 13, 100) < 1 THEN 3 ELSE 1 END AS masters
       FROM generate_series(1, $1::integer) AS i`,
    [installations, start, hours],
  );
  await client.query('ANALYZE member');
}

/** Months of reports, without the unique index that each of them gets at the end. */
async function makePartitions(client: pg.ClientBase, start: number, end: number) {
  const made: string[] = [];
  const first = new Date(start * HOUR_MS);
  for (let ahead = 0; ; ahead += 1) {
    const from = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + ahead));
    if (from.getTime() > end * HOUR_MS) return made;
    const to = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + ahead + 1));
    const month = from.toISOString().slice(0, 7).replace('-', '_');
    for (const table of ['report', 'resource_reading', 'ui_reading']) {
      const name = `${table}_${month}`;
      await client.query(`CREATE TABLE IF NOT EXISTS ${name} PARTITION OF ${table}
        FOR VALUES FROM ('${from.toISOString()}') TO ('${to.toISOString()}')`);
      await client.query(`DROP INDEX IF EXISTS ${name}_event_key`);
      made.push(name);
    }
  }
}

/** Reports arrive in random order: a B-tree that grows by them is 70 % full. */
async function finishPartition(client: pg.ClientBase, partition: string): Promise<void> {
  await client.query(`CREATE UNIQUE INDEX ${partition}_event_key
    ON ${partition} (installation_id, event_key) WITH (fillfactor = 70)`);
}

/** The kind of the report in an hour of the day: one of resources, of packages, of a page view. */
const KIND = `CASE (t + i) % 24 WHEN 0 THEN 2 WHEN 1 THEN 3 WHEN 2 THEN 4 ELSE 1 END`;

/** The state of an installation's units changes once in a hundred hours, mostly back to healthy. */
const STATE = `CASE WHEN pg_temp.number(i, (t + i) / 100 + 10000, 10) = 0
                    THEN 1 + pg_temp.number(i, (t + i) / 100 + 20000, ${UNITS}) ELSE 0 END`;

async function addDay(client: pg.ClientBase, dayStart: number): Promise<void> {
  await client.query('DROP TABLE IF EXISTS arriving');
  await client.query(
    `CREATE TEMP TABLE arriving AS
     SELECT m.*, t, master, ${KIND} AS kind, version + (t >= upgrades)::integer AS v,
            hashint8extended(i * 8 + master, t) AS event_key,
            to_timestamp(t * 3600.0 + pg_temp.number(i, t, 300) + master) AS at
       FROM generate_series($1::integer, $1::integer + 23) AS t, member AS m,
            generate_series(1, m.masters) AS master
      WHERE t >= born AND t < ends AND NOT t BETWEEN pauses AND pauses + 120
        AND pg_temp.number(i, t + 7, 100) > 0
      ORDER BY at`,
    [dayStart],
  );
  await client.query(
    `INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id, origin_id, kind, clock)
     SELECT id, event_key, at, at,
            md5(CASE kind WHEN 1 THEN 'health ' || v || ' ' || size || ' ' || ${STATE}
                          WHEN 2 THEN 'frameworks ' || pg_temp.number(i, (t + i) / 2400, ${FRAMEWORK_SETS})
                          WHEN 3 THEN 'packages ' || pg_temp.number(i, (t + i) / 2400, ${PACKAGE_SETS})
                          ELSE 'page ' || pg_temp.number(i, t, ${PAGES}) END)::uuid,
            v * 100 + place, kind, 0
       FROM arriving`,
  );
  await client.query(
    `INSERT INTO resource_reading (installation_id, event_key, received_at, observed_at, origin_id,
            cpu_total, cpu_used, mem_total_mb, mem_used_mb, disk_total_mb, disk_used_mb,
            agents_active, agents_connected, task_count, framework_count)
     SELECT id, event_key, at, at, v * 100 + place, cpus, cpus * load, cpus * 4096, cpus * 4096 * load,
            cpus * 50000, cpus * 50000 * load, agents, agents, agents * 6, 4
       FROM arriving, LATERAL (SELECT (5 * 2 ^ size)::integer AS agents, 40 * 2 ^ size AS cpus,
                                      0.1 + pg_temp.number(i, t, 70) / 100.0 AS load) AS figures
      WHERE kind = 2`,
  );
  await client.query(
    `INSERT INTO ui_reading (installation_id, event_key, received_at, observed_at, snapshot_id,
                             user_key, visitor_key, origin_id)
     SELECT id, event_key, at, at, md5('page ' || pg_temp.number(i, t, ${PAGES}))::uuid,
            hashint8extended(i, pg_temp.number(i, t, 12)), hashint8extended(i, pg_temp.number(i, t, 12)),
            v * 100 + place
       FROM arriving WHERE kind = 4`,
  );
  await addOtherProducts(client, dayStart);
}

/** Octopus tells its metrics once a day; Resoto what happens, and now and then an error. */
async function addOtherProducts(client: pg.ClientBase, dayStart: number): Promise<void> {
  await client.query(
    `INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id, origin_id, kind, clock)
     SELECT md5('octopus installation ' || i)::uuid, hashint8extended(i + 100000000, $1::integer), at, at,
            md5('octopus ' || pg_temp.number(i, $1::integer / 240, 1000))::uuid, 10001 + i % 4, 7, 0
       FROM member, LATERAL (SELECT to_timestamp($1::integer * 3600.0 + pg_temp.number(i, 3, 80000)) AS at) AS a
      WHERE i % 10 = 0
     UNION ALL
     SELECT md5('resoto installation ' || i)::uuid, hashint8extended(i + 200000000, $1::integer * 100 + n), at, at,
            CASE WHEN pg_temp.number(i, $1::integer + n, 20) = 0 THEN md5('error ' || pg_temp.number(i, $1::integer, 60))
                 ELSE md5('resoto ' || pg_temp.number(i, $1::integer + n, 400)) END::uuid,
            20000 + i % 4, CASE WHEN pg_temp.number(i, $1::integer + n, 20) = 0 THEN 6 ELSE 5 END, 0
       FROM member, generate_series(1, 10) AS n,
            LATERAL (SELECT to_timestamp($1::integer * 3600.0 + pg_temp.number(i, n, 80000)) AS at) AS a
      WHERE i % 20 = 0`,
    [dayStart],
  );
  await client.query(
    `INSERT INTO ingest_tally (product, hour, shard, accepted, stored)
     SELECT 'dcos', date_trunc('hour', at), 0, count(*), count(*) FROM arriving GROUP BY 2`,
  );
}

async function addInstallations(client: pg.ClientBase): Promise<void> {
  await client.query(
    `INSERT INTO installation (installation_id, product, first_seen_at, last_seen_at, described_at, described_by, origin_id)
     SELECT r.installation_id, o.product, min(r.observed_at), max(r.observed_at), max(r.observed_at), 0, max(r.origin_id)
       FROM report r JOIN origin o USING (origin_id)
      GROUP BY r.installation_id, o.product`,
  );
  await client.query(`SELECT setval(pg_get_serial_sequence('origin', 'origin_id'), 30000)`);
}
