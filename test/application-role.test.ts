import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { AdminStore, migrate, TelemetryStore } from '#storage';
import { Asker, createDatabase, type TestDatabase, connectionsOf } from './support/database.js';

let database: TestDatabase;
let owner: Asker;
let application: Asker;

beforeAll(async () => {
  database = await createDatabase();
  owner = new Asker(database.url);
  application = new Asker(database.appUrl);
  const suppressionKey = 'only-for-tests';
  const store = new AdminStore({ database: connectionsOf(database.appUrl), suppressionKey });
  await store.record({ actor: 'erika', act: 'erasure.request', outcome: 'done' });
});

afterAll(async () => {
  await owner.end();
  await application.end();
  await database.drop();
});

const log = () => owner.ask('SELECT * FROM audit_log ORDER BY audit_id');

test('the application can insert into and read the audit log', async () => {
  expect(await application.ask('SELECT actor FROM audit_log')).toEqual([{ actor: 'erika' }]);
});

test.each([
  ['change a row', `UPDATE audit_log SET actor = 'another'`],
  ['change a row that it reads', `SELECT FROM audit_log FOR UPDATE`],
  [
    'change a row by an upsert',
    `INSERT INTO audit_log (audit_id, actor, act, outcome) OVERRIDING SYSTEM VALUE
     VALUES (1, 'another', 'x', 'done') ON CONFLICT (audit_id) DO UPDATE SET actor = 'another'`,
  ],
  ['remove a row', 'DELETE FROM audit_log'],
  [
    'remove a row by a merge',
    'MERGE INTO audit_log a USING audit_log b ON a.audit_id = b.audit_id WHEN MATCHED THEN DELETE',
  ],
  ['empty it', 'TRUNCATE audit_log'],
  ['empty it along with another', 'TRUNCATE report, audit_log'],
  ['drop it', 'DROP TABLE audit_log'],
  ['drop its schema', 'DROP SCHEMA public CASCADE'],
  ['rename it', 'ALTER TABLE audit_log RENAME TO old_log'],
  ['move it', 'ALTER TABLE audit_log SET SCHEMA fleet'],
  ['drop a column', 'ALTER TABLE audit_log DROP COLUMN actor'],
  ['disable the trigger', 'ALTER TABLE audit_log DISABLE TRIGGER ALL'],
  ['drop the trigger', 'DROP TRIGGER audit_log_is_append_only ON audit_log'],
  [
    'add another trigger',
    `CREATE TRIGGER mine BEFORE INSERT ON audit_log EXECUTE FUNCTION refuse_change()`,
  ],
  [
    'replace the trigger function',
    `CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
  ],
  ['drop the trigger function', 'DROP FUNCTION refuse_change() CASCADE'],
  ['add a rule', 'CREATE RULE mine AS ON INSERT TO audit_log DO INSTEAD NOTHING'],
  ['hide rows by a policy', 'ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY'],
  ['become its owner', 'ALTER TABLE audit_log OWNER TO muster_app'],
  ['become the owner of everything', 'REASSIGN OWNED BY postgres TO muster_app'],
  ['grant itself a privilege', 'GRANT DELETE ON audit_log TO muster_app; DELETE FROM audit_log'],
  ['become the owner', 'SET ROLE postgres'],
  ['become the owner for the session', 'SET SESSION AUTHORIZATION postgres'],
  ['become a member of the owner role', 'GRANT postgres TO muster_app'],
  ['become a superuser', 'ALTER ROLE muster_app SUPERUSER'],
  ['create a role', 'CREATE ROLE mine SUPERUSER'],
  ['switch triggers off', `SET session_replication_role = 'replica'`],
  ['write into the catalogue', `SET allow_system_table_mods = on`],
  ['change the settings of the server', `ALTER SYSTEM SET session_replication_role = 'replica'`],
  ['run a program on the server', `COPY audit_log TO PROGRAM 'true'`],
  ['make it a partition', `ALTER TABLE report ATTACH PARTITION audit_log DEFAULT`],
  ['have another table inherit it', 'ALTER TABLE audit_log INHERIT report'],
  ['change an applied migration', `UPDATE _prisma_migrations SET checksum = 'other'`],
  ['change an applied view', `UPDATE applied_view SET checksum = 'other'`],
])('the application cannot %s', async (_, statement) => {
  const before = await log();
  const asker = new Asker(database.appUrl);
  await expect(asker.ask(statement)).rejects.toThrow(
    /permission denied|must be owner|must be able to SET ROLE|cannot set parameter/,
  );
  await asker.end();
  expect(await log()).toEqual(before);
});

test('the application cannot have its own functions and operators run as the owner', async () => {
  const id = '00000000-0000-4000-8000-000000000001';
  const attack = application.ask(`
    BEGIN;
    CREATE TABLE bait (installation_id uuid);
    INSERT INTO bait SELECT '${id}' FROM generate_series(1, 9);
    ANALYZE bait;
    CREATE FUNCTION run_as(wanted text) RETURNS text LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION '% runs as %', wanted, current_user; END $$;
    CREATE FUNCTION concat(text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT public.run_as('concat') $$;
    CREATE FUNCTION format(text, name) RETURNS text LANGUAGE sql AS $$ SELECT public.run_as('format') $$;
    CREATE FUNCTION format(text, name, name) RETURNS text LANGUAGE sql AS $$ SELECT public.run_as('format') $$;
    CREATE FUNCTION is_in(oid, regnamespace) RETURNS boolean LANGUAGE sql AS
      $$ SELECT public.run_as('=') IS NULL $$;
    CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = regnamespace, FUNCTION = is_in);
    -- Fails if the bait is not found.
    SELECT 1 / forget_statistics(ARRAY['${id}']::uuid[]);
    ROLLBACK`);
  await expect(attack).resolves.not.toThrow();
});

test('functions that run as their owner search pg_catalog only', async () => {
  const functions = await owner.ask(
    `SELECT proname AS name, proconfig AS settings FROM pg_proc
      WHERE prosecdef AND pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`,
  );
  expect(functions.length).toBeGreaterThan(0);
  const searched = 'search_path=pg_catalog, pg_temp';
  expect(functions.filter(({ settings }) => !settings?.includes(searched))).toEqual([]);
});

test('the trigger prevents even the owner from changing the audit log', async () => {
  for (const statement of [
    'DELETE FROM audit_log',
    `UPDATE audit_log SET actor = 'x'`,
    'TRUNCATE audit_log',
  ]) {
    await expect(owner.ask(statement)).rejects.toThrow('The audit log is only added to.');
  }
});

test('the application role has no server privileges and no memberships', async () => {
  const [role] = await owner.ask(
    `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
            (SELECT count(*)::int FROM pg_auth_members m WHERE m.member = r.oid) AS memberships
       FROM pg_roles r WHERE rolname = 'muster_app'`,
  );
  expect(role).toEqual({
    ...{ rolsuper: false, rolcreaterole: false, rolcreatedb: false },
    ...{ rolreplication: false, rolbypassrls: false, memberships: 0 },
  });
});

test('the application may change every table, including new ones, except the audit log and the records of migrations and views', async () => {
  await owner.ask('CREATE TABLE newcomer (installation_id uuid PRIMARY KEY)');
  await migrate({ databaseUrl: database.url });
  const tables = await owner.ask(
    `SELECT relname AS name, has_table_privilege('muster_app', oid, 'SELECT') AS can_read,
            has_table_privilege('muster_app', oid, 'INSERT') AS can_add,
            has_table_privilege('muster_app', oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES') AS can_change,
            pg_get_userbyid(relowner) = 'muster_app' AS is_owner, relkind = 'p' OR relispartition AS has_parts
       FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`,
  );
  expect(tables.filter(({ can_change }) => !can_change).map(({ name }) => name)).toEqual([
    '_prisma_migrations',
    'applied_view',
    'audit_log',
  ]);
  expect(tables.find(({ name }) => name === 'newcomer')).toMatchObject({ can_change: true });
  expect(tables.find(({ name }) => name === 'audit_log')).toMatchObject({
    ...{ can_read: true, can_add: true, is_owner: false },
  });
  expect(tables.filter(({ is_owner, has_parts }) => is_owner !== has_parts)).toEqual([]);
  await owner.ask('DROP TABLE newcomer');
});

test('the application can create, detach and drop partitions', async () => {
  const store = new TelemetryStore({
    database: connectionsOf(database.appUrl),
    suppressionKey: 'only-for-tests',
  });
  const [partition] = await owner.ask(
    `SELECT max(relname) AS name FROM pg_class WHERE relname ~ '^report_\\d{4}_\\d\\d$'`,
  );
  const name = partition!.name as string;
  await application.ask(`ALTER TABLE report DETACH PARTITION ${name}`);
  await application.ask(`DROP TABLE ${name}`);
  expect(await store.preparePartitions()).toEqual([name]);
  // Migrations and analysts can use the partitions that workers created.
  await migrate({ databaseUrl: database.url });
  const analyst = new Asker(database.analystUrl);
  expect(await analyst.ask('SELECT FROM fleet.reports')).toEqual([]);
  await analyst.end();
});

test('a migration keeps an existing password of the role', async () => {
  const { appPassword } = inject('services');
  const options = { databaseUrl: database.url, keepsAppPassword: true };
  await migrate({ ...options, appPassword: 'another' });
  const still = new Asker(database.appUrl);
  expect(new URL(database.appUrl).password).toBe(appPassword);
  expect(await still.ask('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await still.end();
});
