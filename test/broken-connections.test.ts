import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Database, ErasureStore, Rollups, TelemetryStore } from '#storage';
import { compileProducts, normalise } from '#telemetry';
import { startAdmin, type Admin } from './support/admin.js';
import type { App, SpawnedApp } from './support/app.js';
import { connectionsOf } from './support/database.js';
import { ALONE, carryOut } from './support/erasures.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';
import { startSilentProxy } from './support/silent-proxy.js';

const LONG = { timeout: 40_000, interval: 200 };
const suppressionKey = 'only-for-tests';
const ONE_TIME = { removeOnComplete: true, removeOnFail: true };
const AWAY = 'database connection lost';
const BACK = 'database connection restored';

let muster: Muster<SpawnedApp>;
let admin: Admin<SpawnedApp>;
let maintenance: Queue;
/** A second session that blocks others. */
let other: pg.Client;

beforeAll(async () => {
  muster = await startSpawnedMuster({ workers: 1, workerEnv: { WORKER_HEALTH_PORT: '0' } });
  admin = await startAdmin(muster);
  const { queuePrefix: prefix, redisUrl: url } = muster;
  maintenance = new Queue('housekeeping', { prefix, connection: { url } });
  other = new pg.Client({ connectionString: muster.databaseUrl });
  await other.connect();
});

afterAll(async () => {
  await other.end();
  await maintenance.close();
  await admin.stop();
  await muster.stop();
});

const PROPERTIES = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };

async function send(event: string): Promise<string> {
  const installationId = randomUUID();
  const body = { installationId, product: 'dcos', event, properties: PROPERTIES };
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  expect((await muster.post('/v1/events', body, { headers })).status).toBe(202);
  return installationId;
}

/**
 * Ends all connections of a process, as a restart of the server does. @returns how many were active
 */
async function breakConnections(name: string): Promise<number> {
  const ended = await muster.owner(
    `SELECT state, pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = $1 AND datname = current_database()`,
    [name],
  );
  return ended.filter(({ state }) => state !== 'idle').length;
}

const timesIn = (app: App, text: string) => app.log.split(text).length - 1;
const waitingFor = (table: string) =>
  muster.owner(
    `SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%' || $1 || '%'`,
    [table],
  );
const jobOf = async (id: string) =>
  (await admin.ask('GET', `/v1/quarantine/jobs/${id}`)).json.job as { state: string };
const stateOf = async (id: string) =>
  ((await admin.ask('GET', `/v1/erasures/${id}`)).json.erasure as { state: string }).state;
const orphanRuns = () =>
  muster.owner(`SELECT FROM housekeeping_run WHERE job = 'orphans' AND outcome = 'done'`);

test('a worker that loses all its connections completes its erasure, its replay and its maintenance', async () => {
  const worker = muster.workers[0]!;
  const { pid } = worker;
  const installationId = await send('health');
  await send('unheard-of');
  await muster.drained();
  await vi.waitFor(async () => expect(await orphanRuns()).not.toEqual([]), LONG);
  const runsBefore = (await orphanRuns()).length;
  await other.query(
    'BEGIN; LOCK TABLE report, quarantined_event, health_snapshot IN ACCESS EXCLUSIVE MODE',
  );
  const erasure = await admin.ask('POST', '/v1/erasures', { installationIds: [installationId] });
  const { id: erasureId } = erasure.json.erasure as { id: string };
  const replay = await admin.ask('POST', '/v1/quarantine/replays', { filter: {} });
  const { id: jobId } = replay.json.job as { id: string };
  await maintenance.add('orphans', null, ONE_TIME);
  for (const table of ['FROM ONLY', 'WITH matching', 'min(snapshot_id)']) {
    await expect.poll(() => waitingFor(table), LONG).not.toEqual([]);
  }
  const before = timesIn(worker, AWAY);
  expect(await breakConnections('muster-worker')).toBeGreaterThanOrEqual(3);
  await other.query('COMMIT');

  await expect.poll(() => stateOf(erasureId), LONG).toBe('complete');
  await expect.poll(async () => (await jobOf(jobId)).state, LONG).toBe('complete');
  // The lease of the broken run may have been released, or expires after 20 seconds.
  await expect
    .poll(
      async () => {
        await maintenance.add('orphans', null, ONE_TIME);
        return (await orphanRuns()).length;
      },
      { ...LONG, interval: 2000 },
    )
    .toBeGreaterThan(runsBefore);
  await expect.poll(() => timesIn(worker, BACK), LONG).toBe(before + 1);
  expect(timesIn(worker, AWAY)).toBe(before + 1);
  expect(worker.log).not.toMatch(/could not be stored|failed/);
  expect(worker.pid).toBe(pid);
  const installation = await send('health');
  await expect
    .poll(() => muster.owner('SELECT FROM report WHERE installation_id = $1', [installation]))
    .toHaveLength(1);
}, 120_000);

test('an admin process that loses all its connections recovers, and logs the outage once', async () => {
  const { app } = admin;
  const { pid } = app;
  const ready = async () => (await admin.ask('GET', '/health/ready')).status;
  await other.query('BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE');
  const asked = [1, 2, 3].map(() => admin.ask('GET', '/v1/audit'));
  await expect.poll(() => waitingFor('audit_log'), LONG).toHaveLength(3);
  expect(await breakConnections('muster-admin')).toBeGreaterThanOrEqual(3);
  await other.query('COMMIT');
  expect((await Promise.all(asked)).every(({ status }) => status >= 500)).toBe(true);
  await expect.poll(() => timesIn(app, BACK), LONG).toBe(1);
  expect(timesIn(app, AWAY)).toBe(1);
  expect([await ready(), (await admin.ask('GET', '/v1/audit')).status]).toEqual([200, 200]);
  expect(app.pid).toBe(pid);
}, 60_000);

test('an erasure whose connections hang is completed within a minute', async () => {
  const proxy = await startSilentProxy(muster.databaseUrl);
  const options = { name: 'muster-silenced', connections: 4, writeConnections: 1 };
  const database = new Database({ databaseUrl: proxy.url, ...options });
  try {
    const installationId = randomUUID();
    const at = Date.now();
    const envelope = {
      ...{ receivedAt: at, product: 'dcos', event: 'health', id: randomUUID() },
      ...{ installationId, properties: PROPERTIES },
    };
    const store = new TelemetryStore({
      database: connectionsOf(muster.databaseUrl),
      suppressionKey,
    });
    await store.save({
      ...{ batchId: randomUUID(), gatheredAt: at },
      accepted: [{ product: 'dcos', hour: at, count: 1 }],
      events: [normalise(envelope, { products: compileProducts(), retentionMs: 86_400_000 })],
    });
    await Promise.all(muster.workers.map((worker) => worker.stop()));
    const erasures = new ErasureStore({ database, suppressionKey });
    await erasures.request({ mode: 'erase', installationIds: [installationId] }, 'erika');
    // All connections of the pool are open, and all of them hang.
    await Promise.all([1, 2, 3, 4].map(() => database.query('SELECT pg_sleep(0.1)')));
    const silencedAt = Date.now();
    const erasing = carryOut(erasures, {
      ...ALONE,
      emptyQueue: async () => {
        if (Date.now() < silencedAt + 3000) proxy.silence();
      },
    });
    await expect(erasing).rejects.toThrow(/Connection terminated/);
    expect(await carryOut(erasures)).toBe(1);
    expect(Date.now() - silencedAt).toBeLessThan(60_000);
  } finally {
    await database.close();
    await proxy.stop();
  }
}, 120_000);

test('a health check over a hanging connection gets a response in time, and the next one succeeds', async () => {
  const proxy = await startSilentProxy(muster.databaseUrl);
  const database = new Database({
    databaseUrl: proxy.url,
    name: 'muster-silenced',
    connections: 2,
  });
  try {
    await database.check();
    proxy.silence();
    await expect(database.check(500)).rejects.toThrow('did not answer in time');
    await expect.poll(() => database.check().then(() => true, () => false), LONG).toBe(true); // prettier-ignore
    await new Rollups(database).refresh();
  } finally {
    await database.close();
    await proxy.stop();
  }
}, 60_000);
