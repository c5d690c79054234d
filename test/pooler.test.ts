import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import {
  Database,
  ErasureStore,
  MaintenanceStore,
  migrate,
  QuarantineStore,
  Rollups,
  TelemetryStore,
} from '#storage';
import { cadencesOf, compileProducts, normalise, ownDeclarations } from '#telemetry';
import { startAdmin } from './support/admin.js';
import { Asker, createDatabase, type TestDatabase } from './support/database.js';
import { carryOut } from './support/erasures.js';
import { startMuster } from './support/muster.js';
import { startPgbouncer } from './support/pgbouncer.js';
import { LATER, withMigration } from './support/schema-folder.js';

const NOW = Date.now();
const OPTIONS = { products: compileProducts(), retentionMs: 400 * 86_400_000 };
const suppressionKey = 'only-for-tests';

let bouncer: Awaited<ReturnType<typeof startPgbouncer>>;
let direct: TestDatabase;
let owner: Asker;
let database: Database;

beforeAll(async () => {
  const { serverUrl, appPassword } = inject('services');
  direct = await createDatabase();
  const { username, password } = new URL(serverUrl);
  bouncer = await startPgbouncer(serverUrl, {
    [username]: decodeURIComponent(password),
    muster_app: appPassword,
  });
  owner = new Asker(direct.url);
  database = new Database({
    databaseUrl: bouncer.urlOf(direct.appUrl),
    ...{ name: 'muster-test', connections: 6, writeConnections: 4 },
  });
});

afterAll(async () => {
  await database.close();
  await owner.end();
  await bouncer.stop();
  await direct.drop();
});

/** Session state stays on the server connection and would affect the next client. */
afterEach(async () => {
  expect(await sessionLocks()).toEqual([]);
});

const sessionLocks = () =>
  owner.ask(
    `SELECT locktype, state FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );

const save = async (store: TelemetryStore, installationId: string, at = NOW) => {
  const properties = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };
  const envelope = { receivedAt: at, product: 'dcos', event: 'health', installationId, properties };
  await store.save({
    ...{ batchId: randomUUID(), gatheredAt: at },
    accepted: [{ product: 'dcos', hour: at, count: 1 }],
    events: [normalise({ ...envelope, id: randomUUID() }, OPTIONS)],
  });
};

const reportsOf = (id: string) =>
  owner.ask('SELECT FROM fleet.reports WHERE installation_id = $1', [id]);

test('concurrent migrations work through a pooler', async () => {
  const databaseUrl = bouncer.urlOf(direct.url);
  const folder = await withMigration('CREATE TABLE later (id integer)');
  const cadences = cadencesOf(ownDeclarations);
  const runs = await Promise.all([1, 2, 3].map(() => migrate({ databaseUrl, cadences, folder })));
  expect(runs.flatMap(({ applied }) => applied)).toEqual([LATER]);
});

test('concurrent batches are stored through a pooler', async () => {
  const store = new TelemetryStore({ database, suppressionKey });
  const ids = Array.from({ length: 20 }, () => randomUUID());
  await Promise.all(ids.map((id) => save(store, id)));
  const found = await Promise.all(ids.map(reportsOf));
  expect(found.map((rows) => rows.length)).toEqual(ids.map(() => 1));
});

test('an erasure is completed and rollups are refreshed through a pooler', async () => {
  const store = new TelemetryStore({ database, suppressionKey });
  const rollups = new Rollups(database);
  const erasures = new ErasureStore({ database, suppressionKey });
  const [erased, kept] = [randomUUID(), randomUUID()];
  await save(store, erased);
  await save(store, kept);
  await rollups.refresh();
  const active = () => owner.ask('SELECT sum(active)::int AS n FROM fleet_day');
  const [before] = await active();
  await erasures.request({ mode: 'erase_and_suppress', installationIds: [erased] }, 'erika');
  expect(await carryOut(erasures)).toBe(1);
  await rollups.refresh();
  const [after] = await active();
  expect([await reportsOf(erased), (await reportsOf(kept)).length]).toEqual([[], 1]);
  expect(before!.n - after!.n).toBe(1);
});

test('maintenance runs repeatedly through a pooler, and drops and compacts months', async () => {
  const store = new TelemetryStore({ database, suppressionKey });
  const house = new MaintenanceStore(database);
  const { signal } = new AbortController();
  await save(store, randomUUID(), NOW - 150 * 86_400_000);
  for (let round = 0; round < 3; round += 1) {
    const run = await house.run('retention', signal, (until) =>
      house.applyRetention({ retentionDays: 60, rollupRetentionDays: 1830, signal: until }),
    );
    expect(run).toMatchObject({ outcome: 'done' });
    expect((run!.detail as { dropped: string[] }).dropped.length > 0).toBe(round === 0);
  }
  const packing = await house.run('compaction', signal, (until) =>
    house.compact({ signal: until, now: NOW + 70 * 86_400_000 }),
  );
  expect(packing).toMatchObject({ outcome: 'done' });
  expect(await owner.ask('SELECT FROM lease')).toEqual([]);
  expect(await new QuarantineStore(database).removeExpiredQuarantine(30)).toBe(0);
});

test('a job that is aborted cancels its statement through a pooler', async () => {
  const stopping = new AbortController();
  const held = database.hold((client) => client.query('SELECT pg_sleep(60)'), {
    signal: stopping.signal,
  });
  const isAsleep = `SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'`;
  await expect.poll(() => owner.ask(isAsleep)).toHaveLength(1);
  stopping.abort();
  await expect(held).rejects.toMatchObject({ code: '57014' });
});

test('work is looked for twice a second through a pooler, which delivers no notices', async () => {
  let calls = 0;
  database.listen('work', () => (calls += 1));
  await expect.poll(() => calls, { timeout: 5000 }).toBeGreaterThan(3);
  expect(
    await owner.ask(
      `SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
    ),
  ).toEqual([]);
});

test('a worker and an admin process store, erase and certify through a pooler', async () => {
  const muster = await startMuster({ workers: 0 });
  const env = { DATABASE_URL: bouncer.urlOf(muster.appUrl) };
  const worker = await muster.addWorker({ ...env, WORKER_HEALTH_PORT: '0' });
  const admin = await startAdmin(muster, env);
  try {
    const [erased, kept] = [randomUUID(), randomUUID()];
    const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
    const properties = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };
    for (const installationId of [erased, kept]) {
      const body = { installationId, product: 'dcos', event: 'health', properties };
      expect((await muster.post('/v1/events', body, { headers })).status).toBe(202);
    }
    await muster.drained();
    const rowsOf = async (id: string) => (await admin.ask('GET', `/v1/installations/${id}`)).json;
    expect(await rowsOf(erased)).toMatchObject({ rows: { report: 1, installation: 1 } });

    const requested = await admin.ask('DELETE', `/v1/installations/${erased}`);
    const { id } = requested.json.erasure as { id: string };
    const stateOf = async () => (await admin.ask('GET', `/v1/erasures/${id}`)).json;
    await expect
      .poll(stateOf, { timeout: 30_000 })
      .toMatchObject({ erasure: { state: 'complete', removed: { report: 1 } } });
    expect((await admin.ask('GET', `/v1/erasures/${id}/certificate`)).status).toBe(200);
    expect(await rowsOf(erased)).toMatchObject({
      products: [],
      rows: { report: 0, installation: 0 },
    });
    expect(await rowsOf(kept)).toMatchObject({ rows: { report: 1 } });

    const ready = await fetch(`http://127.0.0.1:${worker.ready.healthPort}/health/ready`);
    expect(await ready.json()).not.toHaveProperty('stuck');
    expect([ready.status, (await admin.ask('GET', '/health/ready')).status]).toEqual([200, 200]);
    expect(await muster.owner(`SELECT FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
    expect(`${worker.log}${admin.app.log}`).not.toMatch(/(erasures|purges|quarantine jobs) failed/);
  } finally {
    await admin.stop();
    await muster.stop();
  }
}, 90_000);
