import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate, UnsuitableDatabase } from '#storage';
import { Asker } from './support/database.js';

let server: Asker;
const created: string[] = [];

beforeAll(() => {
  server = new Asker(inject('services').serverUrl);
});

afterAll(async () => {
  for (const name of created) await server.ask(`DROP DATABASE ${name} WITH (FORCE)`);
  await server.ask('DROP ROLE IF EXISTS plain_owner');
  await server.end();
});

async function emptyDatabase(owner = new URL(inject('services').serverUrl).username) {
  const name = `migrate_${randomBytes(6).toString('hex')}`;
  await server.ask(`CREATE DATABASE ${name} OWNER ${owner}`);
  created.push(name);
  const url = new URL(inject('services').serverUrl);
  url.pathname = `/${name}`;
  return url;
}

test('concurrent migrations of an empty database apply each migration once', async () => {
  const databaseUrl = (await emptyDatabase()).href;
  const runs = await Promise.all(Array.from({ length: 8 }, () => migrate({ databaseUrl })));
  const applied = runs.flatMap((run) => run.applied);
  expect(applied.length).toBeGreaterThan(0);
  expect(new Set(applied).size).toBe(applied.length);
  expect(await migrate({ databaseUrl })).toMatchObject({ applied: [] });
});

test('several databases of one server can be migrated at once, although they share roles', async () => {
  const urls = await Promise.all([1, 2, 3, 4].map(() => emptyDatabase()));
  const { analystPassword } = inject('services');
  const migrateAll = () =>
    Promise.all(urls.map(({ href: databaseUrl }) => migrate({ databaseUrl, analystPassword })));
  for (let again = 0; again < 5; again += 1) await migrateAll();
  expect(await migrateAll()).toMatchObject(urls.map(() => ({ applied: [] })));
});

test('a migration that was changed after it was applied is refused', async () => {
  const databaseUrl = (await emptyDatabase()).href;
  await migrate({ databaseUrl });
  const database = new Asker(databaseUrl);
  await database.ask(`UPDATE _prisma_migrations SET checksum = 'other'`);
  await database.end();
  await expect(migrate({ databaseUrl })).rejects.toThrow(/was changed after it had been applied/);
});

test('a database that is newer than this version is refused', async () => {
  const databaseUrl = (await emptyDatabase()).href;
  await migrate({ databaseUrl });
  const database = new Asker(databaseUrl);
  await database.ask(`
    INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
    VALUES ('x', 'x', now(), '29990101000000_from_the_future')`);
  await database.end();
  await expect(migrate({ databaseUrl })).rejects.toThrow(/from_the_future, which this version/);
});

test('a database of an unreleased version is refused with advice', async () => {
  const databaseUrl = (await emptyDatabase()).href;
  await migrate({ databaseUrl });
  const database = new Asker(databaseUrl);
  await database.ask('DELETE FROM _prisma_migrations');
  await database.ask(`
    INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)
    VALUES ('1', 'x', now(), '20261121000000_reports'), ('2', 'x', now(), '20261121000100_fleet')`);
  await database.end();
  const attempt = migrate({ databaseUrl });
  await expect(attempt).rejects.toBeInstanceOf(UnsuitableDatabase);
  await expect(attempt).rejects.toThrow(
    /unreleased version .* empty database.* delete the folder \.data/,
  );
});

test('a user without the right to manage roles can migrate, and gets the remaining steps', async () => {
  await server.ask(`CREATE ROLE plain_owner LOGIN PASSWORD 'plain'`);
  const url = await emptyDatabase('plain_owner');
  url.username = 'plain_owner';
  url.password = 'plain';
  const said: string[] = [];
  const { hasApplicationRole } = await migrate({
    ...{ databaseUrl: url.href, analystPassword: 'x', appPassword: 'x' },
    log: (line) => said.push(line),
  });
  expect(hasApplicationRole).toBe(false);
  expect(said.slice(-3)).toEqual([
    expect.stringContaining('The role muster_app could not be set up'),
    expect.stringMatching(/The role analyst could not .* Grant it CREATEROLE/),
    expect.stringMatching(/^The role privacy_analyst could not .* Grant it CREATEROLE/),
  ]);
  const database = new Asker(url.href);
  expect(await database.ask('SELECT FROM fleet.installations')).toEqual([]);
  await database.end();
});
