import pg from 'pg';

export interface FleetSize {
  reports: number;
  installations: number;
  /** Number of installations with many reports. */
  large: number;
  reportsOfLarge: number;
}

const REPORTS_AT_ONCE = 500_000;
/**
 * Most reports of a fleet share their content with many others. One in this many has new content.
 */
const CHANGES_ONE_IN = 100;
const SHARED_SNAPSHOTS = 50;
const UNITS = 29;

/**
 * Writes a month of a fleet directly into the tables, in order of time, so that the rows of an
 * installation are as scattered as in production. One report in five has resource values.
 * @returns the ids of the installations, the large ones first
 */
export async function buildFleet(
  databaseUrl: string,
  size: FleetSize,
  say: (line: string) => void,
  stopping: AbortSignal,
): Promise<string[]> {
  const { reports, installations, large, reportsOfLarge } = size;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET synchronous_commit = off');
    await client.query(FUNCTIONS);
    await client.query(INSTALLATIONS, [installations]);
    await client.query(SNAPSHOTS, [0, SHARED_SNAPSHOTS]);
    const shareOfLarge = (large * reportsOfLarge) / reports;
    for (let from = 0; from < reports; from += REPORTS_AT_ONCE) {
      stopping.throwIfAborted();
      const to = Math.min(from + REPORTS_AT_ONCE, reports);
      const changes = [from, to].map((n) => SHARED_SNAPSHOTS + Math.floor(n / CHANGES_ONE_IN));
      await client.query(SNAPSHOTS, changes);
      const owner = [shareOfLarge, large, installations];
      await client.query(REPORTS, [from, to, reports, ...owner]);
      await client.query(RESOURCES, [from, to, reports, ...owner]);
      say(`${to} of ${reports} reports ...`);
    }
    await client.query('VACUUM ANALYZE');
    const { rows } = await client.query<{ id: string }>(
      `SELECT fleet_uuid('i', n)::text AS id FROM generate_series(1, $1::int) AS n ORDER BY n`,
      [installations],
    );
    return rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

/** Pseudo-random ids and numbers, the same in every run. */
const FUNCTIONS = `
  CREATE FUNCTION fleet_uuid(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT overlay(overlay(md5(kind || n) placing '4' from 13) placing 'a' from 17)::uuid $$;
  CREATE FUNCTION fleet_chance(n bigint, purpose int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
    $$ SELECT (hashint8extended(n, purpose) & 1073741823) / 1073741824.0 $$;
  CREATE FUNCTION fleet_owner(n bigint, share float8, large int, installations int) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT fleet_uuid('i', 1 + CASE WHEN fleet_chance(n, 1) < share THEN floor(fleet_chance(n, 2) * large)::bigint
                                       ELSE large + floor(fleet_chance(n, 2) * (installations - large))::bigint END) $$;
  INSERT INTO origin (product, version, variant, provider, platform, source)
  VALUES ('dcos', '1.13.0', 'enterprise', 'aws', '', '');
  INSERT INTO unit_set
  SELECT fleet_uuid('u', 1), array_agg('unit-' || n::text), array_agg('service'::text) FROM generate_series(1, ${UNITS}) AS n`;

const INSTALLATIONS = `
  INSERT INTO installation (installation_id, product, first_seen_at, last_seen_at)
  SELECT fleet_uuid('i', n), 'dcos', now() - interval '30 days', now() FROM generate_series(1, $1::int) AS n`;

const SNAPSHOTS = `
  INSERT INTO health_snapshot (snapshot_id, unit_set_id, totals, unhealthy)
  SELECT n, fleet_uuid('u', 1), array_fill(3 + n % 97, ARRAY[${UNITS}]), array_fill(0, ARRAY[${UNITS}])
    FROM generate_series($1::int + 1, $2::int) AS n`;

const OWNER = `fleet_owner(n, $4::float8, $5::int, $6::int), hashint8extended(n, 3), now(),
         now() - interval '30 days' * (1 - n / $3::float8)`;

const REPORTS = `
  INSERT INTO report (installation_id, event_key, received_at, observed_at, snapshot_id, origin_id, kind, clock)
  SELECT ${OWNER}, CASE WHEN n % ${CHANGES_ONE_IN} = 0 THEN ${SHARED_SNAPSHOTS} + n / ${CHANGES_ONE_IN}
                        ELSE 1 + floor(fleet_chance(n, 4) * ${SHARED_SNAPSHOTS})::bigint END,
         (SELECT max(origin_id) FROM origin), 1, 0
    FROM generate_series($1::bigint + 1, $2::bigint) AS n`;

const RESOURCES = `
  INSERT INTO resource_reading (installation_id, event_key, received_at, observed_at, origin_id, cpu_total)
  SELECT ${OWNER}, (SELECT max(origin_id) FROM origin), 8
    FROM generate_series($1::bigint + 1, $2::bigint) AS n WHERE n % 5 = 0`;
