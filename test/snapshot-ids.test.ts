import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { TelemetryStore } from '#storage';
import { compileProducts, normalise, type EventEnvelope } from '#telemetry';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';

const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const NOW = Date.UTC(2026, 10, 21, 10, 30);

function healthOf(unhealthy: number): EventEnvelope {
  return {
    ...{ receivedAt: NOW, product: 'dcos', id: randomUUID(), installationId: randomUUID() },
    event: 'health',
    properties: { 'health-unit-a-total': 99, 'health-unit-a-unhealthy': unhealthy },
  };
}

/** A stored report as returned by `normalise`. */
function reportOf(unhealthy: number) {
  const event = normalise(healthOf(unhealthy), OPTIONS);
  if (event.fate !== 'stored') throw new Error(`The event is ${event.fate}.`);
  return event;
}

describe('if two snapshots share an id', () => {
  let database: TestDatabase;
  let owner: Asker;

  beforeAll(async () => {
    database = await createDatabase();
    owner = new Asker(database.url);
  });

  afterAll(async () => {
    await owner.end();
    await database.drop();
  });

  async function fatesAfter(batches: ReturnType<typeof reportOf>[][]) {
    const store = new TelemetryStore({
      database: connectionsOf(database.appUrl),
      suppressionKey: 'for-tests',
    });
    for (const events of batches) {
      const accepted = [{ product: 'dcos', hour: NOW, count: events.length }];
      await store.save({ batchId: randomUUID(), gatheredAt: NOW, accepted, events });
    }
    const rows = await owner.ask(
      `SELECT k.id, coalesce(h.unhealthy::text, q.reason) AS fate
         FROM unnest($1::uuid[]) AS k(id)
         LEFT JOIN fleet.health_readings h ON h.installation_id = k.id
         LEFT JOIN fleet.quarantined_events q ON q.installation_id = k.id`,
      [batches.flat().map(({ installationId }) => installationId)],
    );
    const fates = new Map(rows.map(({ id, fate }) => [id as string, fate as string]));
    return batches.map((events) => events.map((event) => fates.get(event.installationId)));
  }

  test('the second event is quarantined, and no report shows the content of another', async () => {
    const [one, same] = [reportOf(1), reportOf(1)];
    const other = reportOf(2);
    other.snapshot.id = one.snapshot.id;
    const bystander = reportOf(3);
    expect(await fatesAfter([[one], [other, bystander], [same]])).toEqual([
      ['1'],
      ['refused_by_store', '3'],
      ['1'],
    ]);
    expect(await owner.ask('SELECT FROM fleet.ingest_balance WHERE unaccounted <> 0')).toEqual([]);
  });

  test('the second event is also quarantined within one batch', async () => {
    const [one, other] = [reportOf(4), reportOf(5)];
    other.snapshot.id = one.snapshot.id;
    const [fates] = await fatesAfter([[one, other, reportOf(6)]]);
    expect(fates?.filter((fate) => fate === 'refused_by_store')).toHaveLength(1);
    expect(fates?.[2]).toBe('6');
  });
});

describe('a migrated database with longer ids', () => {
  const MIGRATION = '20261128120000_snapshot_ids';
  const name = `migrate_${randomBytes(6).toString('hex')}`;
  let server: Asker;
  let owner: Asker;

  beforeAll(async () => {
    server = new Asker(inject('services').serverUrl);
    await server.ask(`CREATE DATABASE ${name}`);
    const url = new URL(inject('services').serverUrl);
    url.pathname = `/${name}`;
    owner = new Asker(url.href);
  });

  afterAll(async () => {
    await owner.end();
    await server.ask(`DROP DATABASE ${name} WITH (FORCE)`);
    await server.end();
  });

  /** Applies the migrations in the range [from, to). */
  async function apply(from: string, to: string) {
    const folder = 'prisma/migrations';
    for (const migration of (await readdir(folder)).sort()) {
      if (migration < from || migration >= to || migration.endsWith('.toml')) continue;
      const sql = await readFile(`${folder}/${migration}/migration.sql`, 'utf8');
      await owner.ask(`BEGIN; ${sql}; COMMIT`);
    }
  }

  /** All views with definition, privileges and comments. */
  const views = () =>
    owner.ask(`
      SELECT c.oid::regclass::text AS name, pg_get_viewdef(c.oid) AS definition,
             obj_description(c.oid) AS about, c.reloptions, pg_get_userbyid(c.relowner) AS owner,
             ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY 1) AS rights,
             (SELECT json_agg(json_build_array(a.attname, a.atttypid::regtype, col_description(c.oid, a.attnum)) ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
        FROM pg_class c
       WHERE c.relkind = 'v' AND c.relnamespace::regnamespace::text IN ('public', 'fleet', 'theirs')
       ORDER BY 1`);

  test('has the same snapshots and views as before', async () => {
    await apply('', MIGRATION);
    const { snapshot, installationId } = reportOf(1);
    if (snapshot.kind !== 'health') throw new Error('The report is of another kind.');
    const id = snapshot.contentId;
    await owner.ask(
      `CREATE TABLE report_2026_11 PARTITION OF report FOR VALUES FROM ('2026-11-01Z') TO ('2026-12-01Z')`,
    );
    await owner.ask(
      `INSERT INTO origin (origin_id, product, version, variant, provider, platform, source)
       VALUES (1, 'dcos', '1.13', '', '', '', '')`,
    );
    await owner.ask(`INSERT INTO unit_set VALUES ($1, '{a}', '{}')`, [snapshot.unitSetId]);
    await owner.ask(`INSERT INTO health_snapshot VALUES ($1, $2, '{99}', '{1}')`, [
      id,
      snapshot.unitSetId,
    ]);
    await owner.ask(
      `INSERT INTO report VALUES ($1, 7, '2026-11-21Z', '2026-11-21Z', $2, 1, 1, 0)`,
      [installationId, id],
    );
    await owner.ask(
      `INSERT INTO installation_day (installation_id, product, day, health_id, origin_id, reports, hours,
                                     first_ms, last_ms)
       VALUES ($1, 'dcos', '2026-11-21', $2, 1, 1, 1, 0, 0)`,
      [installationId, id],
    );
    await owner.ask(
      `INSERT INTO installation_day_events (installation_id, product, day, contents, origins, counts)
       VALUES ($1, 'dcos', '2026-11-21', ARRAY['ffffffff-ffff-fffe-8000-000000000000', $2]::uuid[], '{1,1}', '{2,3}')`,
      [installationId, id],
    );
    await owner.ask('CREATE ROLE analysts_tool');
    await owner.ask('GRANT SELECT ON fleet.health_readings TO analysts_tool');
    await owner.ask('CREATE SCHEMA theirs');
    await owner.ask('GRANT USAGE, CREATE ON SCHEMA theirs TO analysts_tool');
    await owner.ask('CREATE VIEW theirs.bad_units AS SELECT unit FROM fleet.health_readings');
    await owner.ask('ALTER VIEW theirs.bad_units OWNER TO analysts_tool');
    const before = await views();
    const readings = await owner.ask('SELECT * FROM fleet.health_readings');
    expect(readings).toMatchObject([{ installation_id: installationId, unit: 'a', unhealthy: 1 }]);

    await apply(MIGRATION, `${MIGRATION}~`);
    // Two of our views show the ids.
    const ofIds = JSON.stringify(before).replaceAll(
      '["snapshot_id","uuid",',
      '["snapshot_id","bigint",',
    );
    expect(await views()).toEqual(JSON.parse(ofIds));
    expect(await owner.ask('SELECT * FROM fleet.health_readings')).toEqual(readings);
    expect(await owner.ask('SELECT snapshot_id AS id, unhealthy FROM health_snapshot')).toEqual([
      { id: snapshot.id, unhealthy: [1] },
    ]);
    expect(await owner.ask('SELECT health_id AS id FROM installation_day')).toEqual([
      { id: snapshot.id },
    ]);
    expect(await owner.ask('SELECT contents, counts FROM installation_day_events')).toEqual([
      { contents: ['-2', snapshot.id], counts: [2, 3] },
    ]);
    await owner.ask('DROP OWNED BY analysts_tool');
    await owner.ask('DROP ROLE analysts_tool');
  });
});
