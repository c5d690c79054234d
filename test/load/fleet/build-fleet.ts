import pg from 'pg';
import { CONTENTS, PROVIDER_COUNT, SIZES, VERSION_COUNT } from './contents.js';
import { addDcosDay } from './dcos-day.js';
import { addOtherDay } from './other-day.js';
import { OTHER_CONTENTS } from './other-contents.js';

export interface FleetOptions {
  /**
   * Installations of DC/OS, which report hourly. In addition there are a tenth as many of Octopus
   * and a twentieth as many of Resoto.
   */
  installations: number;
  days: number;
  /** End of the last hour with reports. */
  until: Date;
}

const HOUR_MS = 3_600_000;

/**
 * Builds a fleet directly in a migrated, empty database. The same options always give the same
 * fleet. Each DC/OS installation reports once an hour: mostly its health, and once a day its
 * resources, its packages and a visit of its UI. 1 in 100 reports differs from the previous one.
 * Some installations appear during the period, some fall silent for hours, days or for good, a
 * third upgrade, 7 in 100 have three masters that all report, and a few have a wrong clock, have a
 * cloned GUID, or run only occasionally.
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
    for (const statement of [...CONTENTS, ...OTHER_CONTENTS]) await client.query(statement);
    const end = Math.floor(until.getTime() / HOUR_MS);
    const start = end - days * 24;
    await describeFleet(client, installations, start, days * 24);
    const partitions = await makePartitions(client, start, end);
    for (let day = 0; day < days; day += 1) {
      say(`Day ${day + 1} of ${days} ...`);
      await addDcosDay(client, start + day * 24);
      await addOtherDay(client, start + day * 24, end);
    }
    say('Indexes ...');
    for (const partition of partitions) await finishPartition(client, partition);
    await addInstallations(client);
    await client.query('VACUUM (ANALYZE)');
  } finally {
    await client.end();
  }
}

/** A random hour of the period, between 6 and 17 o'clock, so that no day has only a few. */
const someHour = (seed: number) =>
  `(SELECT h - h % 24 + 6 + h % 12 FROM (SELECT $2::integer + pg_temp.number(i, ${seed}, $3::integer)) AS s(h))`;
const percent = (seed: number) => `pg_temp.number(i, ${seed}, 100)`;

/** One row per installation, with its lifetime, size, upgrade and anomalies. */
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
            -- In hours since 1970, like all times here.
            CASE WHEN ${percent(5)} < 30 THEN $2::integer + pg_temp.number(i, 6, $3::integer) ELSE 0x7fffffff END AS upgrades,
            CASE WHEN ${percent(7)} < 15 THEN ${someHour(8)} ELSE 0 END AS born,
            CASE WHEN ${percent(9)} < 5 THEN ${someHour(10)} ELSE 0x7fffffff END AS ends,
            CASE WHEN ${percent(11)} < 6 THEN ${someHour(12)} ELSE 0 END AS pauses,
            CASE WHEN ${percent(11)} < 3 THEN 120 ELSE 8 END AS pause_hours,
            CASE WHEN ${percent(13)} < 7 THEN 3 ELSE 1 END AS masters,
            -- In an eighth of its reports the clock is 1: corrected, 2: not trusted, 3: ahead.
            CASE WHEN ${percent(14)} < 1 THEN 1 + pg_temp.number(i, 15, 3) ELSE 0 END AS drift,
            -- The GUID is used twice, 1: with two providers, 2: with two sizes.
            CASE pg_temp.number(i, 16, 400) WHEN 0 THEN 1 WHEN 1 THEN 2 ELSE 0 END AS twin,
            pg_temp.number(i, 17, 200) = 0 AS is_rarely_on
       FROM generate_series(1, $1::integer) AS i`,
    [installations, start, hours],
  );
  await client.query('ANALYZE member');
}

interface BuiltPartition {
  name: string;
  /** Whether its month is over when the fleet is built. */
  isOver: boolean;
}

/** Creates the monthly partitions without their unique indexes, which are added at the end. */
async function makePartitions(client: pg.ClientBase, start: number, end: number) {
  const made: BuiltPartition[] = [];
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
      made.push({ name, isOver: to.getTime() <= end * HOUR_MS });
    }
  }
}

/**
 * Reports arrive in random order, so a B-tree is 70 % full. Indexes of past months have been
 * compacted.
 */
async function finishPartition(client: pg.ClientBase, { name, isOver }: BuiltPartition) {
  await client.query(`CREATE UNIQUE INDEX ${name}_event_key
    ON ${name} (installation_id, event_key) WITH (fillfactor = ${isOver ? 100 : 70})`);
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
