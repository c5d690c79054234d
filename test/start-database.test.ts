import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { adminScopes, AdminStore } from '#storage';
import { ownDeclarations } from '#telemetry';
import { ensureAdministrator } from '../apps/start/administrator.js';
import { urlAs } from '../apps/start/endpoints.js';
import { prepareDatabase } from '../apps/start/prepare-database.js';
import { ensureSecrets } from '../apps/start/secrets.js';
import { Asker, connectionsOf, createDatabase, type TestDatabase } from './support/database.js';

const suppressionKey = 'only-for-tests';
const REVOKER = { id: randomUUID(), name: 'test', scopes: adminScopes };
let database: TestDatabase;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'muster-start-database-'));
  database = await createDatabase();
});

afterAll(async () => {
  await database.drop();
  await rm(dataDir, { recursive: true });
});

test('npm start replaces a revoked administrator token, and never makes it valid again', async () => {
  const databaseUrl = database.url;
  const store = new AdminStore({ database: connectionsOf(databaseUrl), suppressionKey });
  const start = async () => {
    const secrets = await ensureSecrets(dataDir);
    return ensureAdministrator({ databaseUrl, suppressionKey, dataDir, secrets });
  };
  const first = await start();
  expect(await start()).toBe(first);
  await store.endToken('start', REVOKER);
  const second = await start();
  expect(await store.findAdministrator(first)).toBeNull();
  expect(await store.findAdministrator(second)).toMatchObject({ name: 'start' });
  expect(await start()).toBe(second);
});

test('a revoked token stays revoked when the same token is created again', async () => {
  const store = new AdminStore({ database: connectionsOf(database.url), suppressionKey });
  const token = await store.createToken('again', adminScopes, { actor: 'test' });
  await store.endToken('again', REVOKER);
  await store.createToken('again', adminScopes, { actor: 'test', token });
  expect(await store.findAdministrator(token)).toBeNull();
});

test('npm start keeps the passwords of roles that exist on an external server, and reports it', async () => {
  const { analystUrl, appUrl, url } = database;
  const lines: string[] = [];
  const urls = await prepareDatabase({
    settings: { databaseUrl: url, privacyMinInstallations: 10 },
    secrets: { analystPassword: 'generated', appPassword: 'generated' },
    ...{ databaseUrl: url, declarations: ownDeclarations, say: (line) => lines.push(line) },
  });
  expect(urls).toEqual({ appUrl: url, analystUrl: urlAs(url, 'analyst', '') });
  expect(lines).toEqual([
    expect.stringMatching(/^The role muster_app has a different password, .* Set APP_PASSWORD to/),
    expect.stringMatching(/^The role analyst has a different password, .* Set ANALYST_PASSWORD to/),
  ]);
  for (const other of [analystUrl, appUrl]) {
    const asker = new Asker(other);
    expect(await asker.ask('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await asker.end();
  }
});

test('npm start uses the configured passwords of the roles', async () => {
  const { analystPassword, appPassword } = inject('services');
  const { url, appUrl, analystUrl } = database;
  const lines: string[] = [];
  const urls = await prepareDatabase({
    settings: { databaseUrl: url, analystPassword, appPassword, privacyMinInstallations: 10 },
    secrets: { analystPassword: 'generated', appPassword: 'generated' },
    ...{ databaseUrl: url, declarations: ownDeclarations, say: (line) => lines.push(line) },
  });
  expect({ urls, lines }).toEqual({ urls: { appUrl, analystUrl }, lines: [] });
});
