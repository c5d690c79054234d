import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '#storage';
import { Asker, createDatabase, type TestDatabase } from './support/database.js';

let database: TestDatabase;
let owner: Asker;
let analyst: Asker;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  analyst = new Asker(database.analystUrl);
});

afterAll(async () => {
  await owner.end();
  await analyst.end();
  await database.drop();
});

test('the analyst can query every view of fleet without naming the schema', async () => {
  const views = await viewsOfFleet();
  expect(views.length).toBeGreaterThan(10);
  const filled = [];
  for (const view of views) {
    const rows = await analyst.ask(`SELECT * FROM ${view} LIMIT 1`);
    if (rows.length > 0) filled.push(view);
  }
  // Declared metrics are listed before any report arrives.
  expect(filled.sort()).toEqual(['completeness', 'metric_catalogue', 'product_cadences']);
});

test('the planner has statistics for product cadences, although autovacuum does not analyze them', async () => {
  const known = await owner.ask(
    `SELECT reltuples AS rows, (SELECT count(*)::int FROM product_cadence) AS really
       FROM pg_class WHERE oid = 'product_cadence'::regclass`,
  );
  expect(known).toEqual([{ rows: 3, really: 3 }]);
});

test('the analyst cannot read tables', async () => {
  const tables = await owner.ask(
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
  );
  expect(tables.length).toBeGreaterThan(15);
  for (const { name } of tables) {
    await expect(analyst.ask(`SELECT * FROM public.${name} LIMIT 1`)).rejects.toThrow(
      /permission denied/,
    );
  }
});

test.each([
  ['change a row', 'UPDATE fleet.installations SET product = product'],
  [
    'change a row after turning off its read-only default',
    'BEGIN READ WRITE; DELETE FROM fleet.installations',
  ],
  ['make a table', 'BEGIN READ WRITE; CREATE TABLE public.mine ()'],
  ['create a table in fleet', 'BEGIN READ WRITE; CREATE TABLE fleet.mine ()'],
  ['create a temporary table', 'BEGIN READ WRITE; CREATE TEMP TABLE mine ()'],
  ['write a large object', `BEGIN READ WRITE; SELECT lo_from_bytea(0, 'x')`],
  ['take a lock that others may wait for', 'SELECT pg_advisory_lock(7204110387)'],
  ['try to take such a lock', 'SELECT pg_try_advisory_xact_lock_shared(7204, 1)'],
  ['hold a mutex', `SELECT FROM public.mutex WHERE name = 'rollups' FOR UPDATE`],
  [
    'lock the tables behind a view',
    'BEGIN READ WRITE; LOCK TABLE fleet.freshness IN ROW EXCLUSIVE MODE',
  ],
  ['raise its limit of temporary files', `SET temp_file_limit = '-1'`],
  ['read a file of the server', `SELECT pg_read_file('/etc/passwd')`],
])('the analyst cannot %s', async (_, statement) => {
  const asker = new Asker(database.analystUrl);
  await expect(asker.ask(statement)).rejects.toThrow(
    /permission denied|read-only transaction|cannot (update|delete)/,
  );
  await asker.end();
});

test('the analyst has a statement timeout, a lock timeout and a connection limit', async () => {
  const settings = await analyst.ask(
    `SELECT name, setting FROM pg_settings
      WHERE name ~ '_timeout$' AND source = 'database user' OR name = 'temp_file_limit' ORDER BY name`,
  );
  expect(settings).toEqual([
    { name: 'idle_in_transaction_session_timeout', setting: '60000' },
    { name: 'idle_session_timeout', setting: '1800000' },
    { name: 'lock_timeout', setting: '5000' },
    { name: 'statement_timeout', setting: '300000' },
    { name: 'temp_file_limit', setting: `${20 * 1024 ** 2}` },
  ]);
  expect(
    await owner.ask("SELECT rolconnlimit AS most FROM pg_roles WHERE rolname LIKE '%analyst'"),
  ).toEqual([{ most: 20 }, { most: 20 }]);
});

test('the next migration resets what the analyst changed in its own role', async () => {
  const asker = new Asker(database.analystUrl);
  const name = new URL(database.url).pathname.slice(1);
  await asker.ask(`
    BEGIN READ WRITE;
    ALTER ROLE analyst IN DATABASE ${name} SET statement_timeout = 0;
    ALTER ROLE analyst IN DATABASE ${name} SET enable_seqscan = off;
    COMMIT`);
  await asker.end();
  await migrate({ databaseUrl: database.url });
  const after = new Asker(database.analystUrl);
  const shown = await after.ask(
    `SELECT current_setting('statement_timeout') AS timeout, current_setting('enable_seqscan') AS scan`,
  );
  await after.end();
  expect(shown).toEqual([{ timeout: '5min', scan: 'on' }]);
});

test('every view and every column of fleet has a comment', async () => {
  const uncommented = await owner.ask(`
    SELECT c.relname, a.attname
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'fleet'::regnamespace
       AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)`);
  expect(uncommented).toEqual([]);
});

test('the views have the columns listed in the contract', async () => {
  const rows = await owner.ask(
    `SELECT table_name AS view, array_agg(column_name::text) AS columns
       FROM information_schema.columns WHERE table_schema = 'fleet' GROUP BY 1`,
  );
  const columns = Object.fromEntries(rows.map((row) => [row.view, row.columns]));
  const unit = ['installation_id', 'observed_at', 'unit', 'total', 'unhealthy'];
  const figures =
    'cpu_total cpu_used mem_total_mb mem_used_mb disk_total_mb disk_used_mb agents_active agents_connected task_count framework_count';
  const contract: Record<string, string[]> = {
    installations: ['installation_id', 'product', 'version', 'variant', 'provider', 'customer_key'],
    health_readings: unit,
    current_health: unit,
    resource_readings: figures.split(' '),
    current_resources: figures.split(' '),
    package_readings: ['package', 'version'],
    current_packages: ['package', 'version'],
    framework_readings: ['framework'],
    current_frameworks: ['framework'],
    ui_events: ['occurred_at', 'event', 'path'],
    defects: ['reason', 'path'],
    quarantined_events: ['reason', 'path'],
    daily_fleet: ['day', 'product', 'product_version', 'born', 'active', 'gone_silent'],
    ingest_balance: ['accepted', 'stored', 'duplicate', 'quarantined', 'suppressed', 'empty'],
  };
  for (const [view, names] of Object.entries(contract)) {
    expect(columns[view], view).toEqual(expect.arrayContaining(names));
  }
});

async function viewsOfFleet(): Promise<string[]> {
  const rows = await owner.ask(
    `SELECT relname FROM pg_class WHERE relnamespace = 'fleet'::regnamespace AND relkind = 'v'`,
  );
  return rows.map(({ relname }) => relname as string);
}
