import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { migrate, TelemetryStore } from '#storage';
import { compileProducts, normalise } from '#telemetry';
import { Asker, connectionsOf, createDatabase, type TestDatabase } from './support/database.js';
import { LATER, laterSchema, withMigration } from './support/schema-folder.js';

const NOW = Date.now();
const installationId = randomUUID();
/** A role of an administrator, which Muster does not know. */
const DASHBOARD = `dashboard_${randomBytes(6).toString('hex')}`;

let database: TestDatabase;
let owner: Asker;

beforeAll(async () => {
  const server = new Asker(inject('services').serverUrl);
  await server.ask(`CREATE ROLE ${DASHBOARD}`);
  await server.end();
});

afterAll(async () => {
  const server = new Asker(inject('services').serverUrl);
  await server.ask(`DROP ROLE ${DASHBOARD}`);
  await server.end();
});

/** A database of this version with a health report. */
beforeEach(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const store = new TelemetryStore({
    database: connectionsOf(database.appUrl),
    suppressionKey: 'only-for-tests',
  });
  const envelope = {
    ...{ id: randomUUID(), receivedAt: NOW, product: 'dcos', event: 'health', installationId },
    properties: { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 },
  };
  const options = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: NOW },
    accepted: [{ product: 'dcos', hour: NOW, count: 1 }],
    events: [normalise(envelope, options)],
  });
});

afterEach(async () => {
  await owner.end();
  await database.drop();
});

const fileOf = (view: string) => `views/${view.replace('.', '/')}.sql`;
const sqlOf = (view: string) => readFile(`prisma/${fileOf(view)}`, 'utf8');

/** All views with their identity and grants. */
async function views(): Promise<Map<string, { oid: number; grants: string | null }>> {
  const rows = await owner.ask(
    `SELECT relnamespace::regnamespace || '.' || relname AS name, oid::int,
            (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(relacl) AS a) AS grants
       FROM pg_class WHERE relkind = 'v' AND relnamespace IN ('fleet'::regnamespace, 'public'::regnamespace)`,
  );
  return new Map(rows.map(({ name, oid, grants }) => [name as string, { oid, grants }]));
}

test('every view has a file, and is applied once', async () => {
  const recorded = await owner.ask('SELECT name FROM applied_view ORDER BY name');
  expect(recorded.map(({ name }) => name as string)).toEqual([...(await views()).keys()].sort());
  const versions = () => owner.ask('SELECT name, xmin::text FROM applied_view ORDER BY name');
  const before = await versions();
  await migrate({ databaseUrl: database.url });
  expect(await versions()).toEqual(before);
});

test('an upgrade keeps rows and grants, and does not touch unchanged views', async () => {
  await owner.ask(`GRANT SELECT ON fleet.installations TO ${DASHBOARD}`);
  const before = await views();
  const changed = (await sqlOf('fleet.installations'))
    .replace('\n  FROM public.installation i', ', i.region\n  FROM public.installation i')
    .concat(`COMMENT ON COLUMN fleet.installations.region IS 'The region.';\n`);
  const folder = await laterSchema({
    [`migrations/${LATER}/migration.sql`]: `ALTER TABLE installation ADD COLUMN region text NOT NULL DEFAULT 'unknown';`,
    [fileOf('fleet.installations')]: changed,
    [fileOf('fleet.regions')]:
      'CREATE OR REPLACE VIEW fleet.regions AS SELECT region, count(*) AS installations FROM fleet.installations GROUP BY region;',
  });
  expect(await migrate({ databaseUrl: database.url, folder })).toMatchObject({ applied: [LATER] });
  const analyst = new Asker(database.analystUrl);
  expect(await analyst.ask('SELECT installation_id, region FROM fleet.installations')).toEqual([
    { installation_id: installationId, region: 'unknown' },
  ]);
  expect(await analyst.ask('SELECT * FROM fleet.regions')).toEqual([
    { region: 'unknown', installations: '1' },
  ]);
  expect(await analyst.ask('SELECT unit, unhealthy FROM fleet.health_readings')).toEqual([
    { unit: 'a', unhealthy: 1 },
  ]);
  await analyst.end();
  const after = await views();
  after.delete('fleet.regions');
  expect(after).toEqual(before);
});

/** A view that other views select from, with its columns in another order. */
async function reordered(): Promise<Record<string, string>> {
  const sql = await sqlOf('public.latest_report');
  const columns = 'installation_id, product, kind, origin_id, observed_at';
  expect(sql).toContain(columns);
  const others = 'product, installation_id, kind, origin_id, observed_at';
  return { [fileOf('public.latest_report')]: sql.replace(columns, others) };
}

test('a view with other columns is created again, with its dependents and their grants', async () => {
  await owner.ask(`GRANT SELECT ON fleet.current_health TO ${DASHBOARD} WITH GRANT OPTION`);
  const before = await views();
  const folder = await laterSchema(await reordered());
  await migrate({ databaseUrl: database.url, folder });
  const after = await views();
  const grantsOf = (all: typeof after) => [...all].map(([name, { grants }]) => [name, grants]);
  expect(grantsOf(after).sort()).toEqual(grantsOf(before).sort());
  const recreated = [...after].filter(([name, { oid }]) => before.get(name)?.oid !== oid);
  expect(recreated.map(([name]) => name).sort()).toEqual([
    ...['fleet.current_frameworks', 'fleet.current_health', 'fleet.current_metrics'],
    ...['fleet.current_packages', 'public.latest_report'],
  ]);
  const analyst = new Asker(database.analystUrl);
  expect(await analyst.ask('SELECT unit, unhealthy FROM fleet.current_health')).toEqual([
    { unit: 'a', unhealthy: 1 },
  ]);
  await analyst.end();
});

test('a view without a file is dropped', async () => {
  const folder = await laterSchema({ [fileOf('fleet.daily_mix')]: undefined });
  await migrate({ databaseUrl: database.url, folder });
  expect((await views()).has('fleet.daily_mix')).toBe(false);
  expect(await owner.ask('SELECT FROM fleet_privacy.daily_fleet')).toEqual([]);
});

test('a view that a migration drops is created again', async () => {
  const folder = await withMigration('DROP VIEW fleet.reports');
  await migrate({ databaseUrl: database.url, folder });
  const analyst = new Asker(database.analystUrl);
  expect(await analyst.ask('SELECT kind FROM fleet.reports')).toEqual([{ kind: 'health' }]);
  await analyst.end();
});

test('if a view of others depends on a view that must be dropped, no view is changed', async () => {
  await owner.ask('CREATE SCHEMA theirs');
  await owner.ask('CREATE VIEW theirs.units AS SELECT unit FROM fleet.current_health');
  const before = await views();
  const folder = await laterSchema({
    ...(await reordered()),
    [fileOf('fleet.daily_mix')]: undefined,
  });
  await expect(migrate({ databaseUrl: database.url, folder })).rejects.toMatchObject({
    message: expect.stringContaining('public.latest_report'),
    cause: { message: expect.stringContaining('theirs.units depends on it') },
  });
  expect(await views()).toEqual(before);
  expect(await owner.ask('SELECT FROM fleet_privacy.daily_mix')).toEqual([]);
});

test('a view that selects from an unqualified name is refused', async () => {
  const folder = await laterSchema({
    [fileOf('fleet.days')]: 'CREATE OR REPLACE VIEW fleet.days AS SELECT day FROM fleet_day;',
  });
  await expect(migrate({ databaseUrl: database.url, folder })).rejects.toThrow(/fleet\.days/);
});

test('concurrent processes apply a changed view once', async () => {
  const changed = `${await sqlOf('fleet.reports')}\n-- Another comment.\n`;
  const folder = await laterSchema({ [fileOf('fleet.reports')]: changed });
  const before = await views();
  await Promise.all([1, 2, 3].map(() => migrate({ databaseUrl: database.url, folder })));
  expect(await views()).toEqual(before);
  await migrate({ databaseUrl: database.url });
});
