import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrate } from '#storage';
import { urlAs } from '../apps/start/endpoints.js';
import { Asker, createDatabase, type TestDatabase } from './support/database.js';
import { LATER, withMigration } from './support/schema-folder.js';

const PASSWORD = 'only-for-tests';

let database: TestDatabase;
let owner: Asker;
let reader: Asker;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  const privacyAnalystPassword = PASSWORD;
  await migrate({ databaseUrl: database.url, privacyAnalystPassword, privacyMinInstallations: 3 });
  reader = new Asker(urlAs(database.url, 'privacy_analyst', PASSWORD));
  await owner.ask(`
    INSERT INTO mix_day (day, product, version, variant, provider, platform, installations)
    VALUES (current_date - 1, 'dcos', '2.0', 'open', 'aws', '', 3),
           (current_date - 1, 'dcos', '2.1', 'open', 'aws', '', 2)`);
});

afterAll(async () => {
  await reader.end();
  await owner.end();
  await database.drop();
});

test('groups with fewer installations than the minimum are left out', async () => {
  const rows = await reader.ask('SELECT product_version, installations FROM daily_mix');
  expect(rows).toEqual([{ product_version: '2.0', installations: 3 }]);
});

test('fleet_privacy has the views that count installations, and none that shows a single one', async () => {
  const rows = await owner.ask(`
    SELECT table_name AS view, bool_or(column_name = 'installation_id') AS shows_one
      FROM information_schema.columns WHERE table_schema = 'fleet_privacy' GROUP BY 1 ORDER BY 1`);
  const views = rows.map(({ view }) => view as string);
  expect(views).toEqual(expect.arrayContaining(['daily_fleet', 'daily_units', 'daily_errors']));
  expect(rows.filter(({ shows_one }) => shows_one)).toEqual([]);
});

test('rows that combine rare names are left out, because they count an installation once per name', async () => {
  await owner.ask(`
    INSERT INTO mix_day (day, product, version, variant, provider, platform, installations)
    VALUES (current_date - 2, 'dcos', '*', '*', '*', '*', 2500)`);
  expect(await owner.ask('SELECT FROM fleet.daily_others')).toHaveLength(1);
  expect(await reader.ask('SELECT FROM daily_mix WHERE installations = 2500')).toEqual([]);
  await expect(reader.ask('SELECT FROM daily_others')).rejects.toThrow(/does not exist/);
});

test('a migration that fails leaves the views as they were', async () => {
  const folder = await withMigration('SELECT 1 / 0');
  const options = { databaseUrl: database.url, privacyMinInstallations: 3, folder };
  await expect(migrate(options)).rejects.toThrow(/failed and was rolled back/);
  expect(await reader.ask('SELECT FROM daily_mix')).toHaveLength(1);
});

test('a migration that waits for a reader lets others read and write', async () => {
  const slow = new pg.Client({
    connectionString: urlAs(database.url, 'privacy_analyst', PASSWORD),
  });
  await slow.connect();
  await slow.query('BEGIN');
  await slow.query('SELECT FROM daily_mix');
  const folder = await withMigration('SELECT 1');
  const migrating = migrate({ databaseUrl: database.url, privacyMinInstallations: 3, folder });
  let isDone = false;
  void migrating.then(() => (isDone = true));
  const untilWaiting = async () =>
    expect(
      await owner.ask(`SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                        WHERE NOT l.granted AND d.datname = current_database()`),
    ).not.toEqual([]);
  await vi.waitFor(untilWaiting, { timeout: 10_000, interval: 20 });
  expect(await reader.ask('SELECT FROM daily_mix')).toHaveLength(1);
  expect(isDone).toBe(false);
  await slow.query('COMMIT');
  await slow.end();
  expect(await migrating).toMatchObject({ applied: [LATER] });
  await owner.ask('DELETE FROM _prisma_migrations WHERE migration_name = $1', [LATER]);
});

test('the reader of fleet_privacy cannot read anything else', async () => {
  for (const table of [
    'fleet.daily_mix',
    'fleet.installations',
    'public.report',
    'public.mix_day',
  ]) {
    await expect(reader.ask(`SELECT * FROM ${table}`)).rejects.toThrow(/permission denied/);
  }
  await expect(reader.ask('BEGIN READ WRITE; CREATE TABLE fleet_privacy.mine ()')).rejects.toThrow(
    /permission denied/,
  );
});

test('a changed minimum takes effect with the next migration, and views keep their comments', async () => {
  await migrate({ databaseUrl: database.url, privacyMinInstallations: 2 });
  expect(await reader.ask('SELECT FROM daily_mix')).toHaveLength(2);
  const [comment] = await owner.ask(
    `SELECT obj_description('fleet_privacy.daily_mix'::regclass) AS view,
            col_description('fleet_privacy.daily_mix'::regclass, 1) AS column`,
  );
  expect(comment?.view).toMatch(/Rows of fewer than 2 installations are left out\.$/);
  expect(comment?.column).not.toBeNull();
});
