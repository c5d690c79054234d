import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, expect, inject, test } from 'vitest';
import { Database, ErasureStore, InstallationData, migrate, TelemetryStore } from '#storage';
import { compileProducts, normalise } from '#telemetry';
import { carryOut } from './support/erasures.js';
import { startPgbouncer } from './support/pgbouncer.js';

const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const suppressionKey = 'only-for-tests';
const ODD = [
  `DateStyle = 'SQL, DMY'`,
  `IntervalStyle = sql_standard`,
  `TimeZone = 'Asia/Kolkata'`,
  `bytea_output = escape`,
  `standard_conforming_strings = off`,
  `search_path = analytics`,
  `default_transaction_isolation = 'repeatable read'`,
  `default_transaction_read_only = on`,
  `synchronous_commit = off`,
];

const clearUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const step of clearUp.splice(0).reverse()) await step();
});

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** An empty database. @returns its URL */
async function emptyDatabase(options = '', settings: readonly string[] = []): Promise<string> {
  const { serverUrl } = inject('services');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await run(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0 ${options}`);
  clearUp.push(() => run(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`));
  for (const setting of settings) await run(serverUrl, `ALTER DATABASE ${name} SET ${setting}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function openDatabase(databaseUrl: string): Database {
  const options = { databaseUrl, name: 'muster-test', connections: 4, writeConnections: 2 };
  const database = new Database(options);
  clearUp.push(() => database.close());
  return database;
}

test('a database with unusual defaults can be migrated, and installations can be stored, queried and erased', async () => {
  const databaseUrl = await emptyDatabase('', ODD);
  await migrate({ databaseUrl });
  const database = openDatabase(databaseUrl);
  const installationId = randomUUID();
  const at = Date.now();
  const properties = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };
  const envelope = { receivedAt: at, product: 'dcos', event: 'health', installationId, properties };
  const store = new TelemetryStore({ database, suppressionKey });
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: at },
    accepted: [{ product: 'dcos', hour: at, count: 1 }],
    events: [normalise({ ...envelope, id: randomUUID() }, OPTIONS)],
  });
  const { products } = await new InstallationData(database).summary([installationId]);
  const [first] = products as { first_seen_at: Date }[];
  expect(first?.first_seen_at.getTime()).toBe(at);
  const erasures = new ErasureStore({ database, suppressionKey });
  const { erasure } = await erasures.request(
    { mode: 'erase', installationIds: [installationId] },
    'erika',
  );
  expect(Date.parse(erasure.requestedAt)).toBeGreaterThan(at - 60_000);
  expect(await carryOut(erasures)).toBe(1);
  const { rows } = await database.query('SELECT FROM report WHERE installation_id = $1', [
    installationId,
  ]);
  expect(rows).toEqual([]);
});

test('a database with an encoding other than UTF8 is refused with one sentence', async () => {
  const databaseUrl = await emptyDatabase(
    `ENCODING 'LATIN1' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  const refusal = /has the encoding LATIN1.*CREATE DATABASE .* ENCODING 'UTF8'/;
  await expect(migrate({ databaseUrl })).rejects.toThrow(refusal);
  await expect(openDatabase(databaseUrl).check()).rejects.toThrow(refusal);
});

test('a pooler in front of a database with unusual defaults is refused, and the error has the statements to run', async () => {
  const databaseUrl = await emptyDatabase('', ODD);
  const { username, password } = new URL(databaseUrl);
  const bouncer = await startPgbouncer(databaseUrl, { [username]: decodeURIComponent(password) });
  clearUp.push(() => bouncer.stop());
  await expect(migrate({ databaseUrl: bouncer.urlOf(databaseUrl) })).rejects.toThrow(
    /SET search_path = public; ALTER DATABASE .* SET IntervalStyle = 'postgres'; .* SET bytea_output = 'hex'; .* SET default_transaction_isolation = 'read committed'; .* SET default_transaction_read_only = 'off';$/,
  );
});

test('commits are durable although the database has another default, and stricter defaults are kept', async () => {
  const databaseUrl = await emptyDatabase('', ['synchronous_commit = off']);
  const stricter = await emptyDatabase('', ['synchronous_commit = remote_apply']);
  const { username, password } = new URL(databaseUrl);
  const bouncer = await startPgbouncer(databaseUrl, { [username]: decodeURIComponent(password) });
  clearUp.push(() => bouncer.stop());
  const commitsOf = (url: string) =>
    openDatabase(url).transaction(async (tx) => {
      const { rows } = await tx.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
      return rows[0]?.synchronous_commit;
    });
  expect(await commitsOf(databaseUrl)).toBe('on');
  expect(await commitsOf(bouncer.urlOf(databaseUrl))).toBe('on');
  expect(await commitsOf(stricter)).toBe('remote_apply');
  expect(await commitsOf(bouncer.urlOf(stricter))).toBe('remote_apply');
});
