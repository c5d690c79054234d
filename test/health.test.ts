import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

let redis: PrivateRedis;
let muster: Muster;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startMuster({
    redisUrl: redis.url,
    workers: 1,
    workerEnv: { WORKER_HEALTH_PORT: '0', WORKER_STALL_SECONDS: '2' },
  });
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

const LIVE = { status: 200, json: { status: 'ok' } };
const ALL_OK = { postgres: 'ok', redis: 'ok', queue: 'ok' };
const OK = { status: 200, json: { status: 'ok', dependencies: ALL_OK } };

/** Not ready for exactly this reason. */
function unavailable(dependency: string, state = 'unavailable') {
  const dependencies = { ...ALL_OK, [dependency]: state };
  return { status: 503, json: { status: 'unavailable', dependencies } };
}

test('a worker with Redis and Postgres is live and ready', async () => {
  expect(await ask('live')).toEqual(LIVE);
  expect(await ask('ready')).toEqual(OK);
});

test('a worker without Redis is live but not ready until Redis is back', async () => {
  await redis.kill();
  expect(await ask('ready')).toEqual(unavailable('redis'));
  expect(await ask('live')).toEqual(LIVE);
  await redis.restart();
  await vi.waitFor(async () => expect(await ask('ready')).toEqual(OK), 10_000);
});

test('a worker whose Redis hangs is live but not ready until Redis responds again', async () => {
  redis.pause();
  expect(await ask('ready')).toEqual(unavailable('redis'));
  expect(await ask('live')).toEqual(LIVE);
  redis.resume();
  await vi.waitFor(async () => expect(await ask('ready')).toEqual(OK), 10_000);
});

test('a worker without Postgres is live but not ready until Postgres is back', async () => {
  await allowConnections(false);
  expect(await ask('ready')).toEqual(unavailable('postgres'));
  expect(await ask('live')).toEqual(LIVE);
  await allowConnections(true);
  await vi.waitFor(async () => expect(await ask('ready')).toEqual(OK), 10_000);
});

test('a worker whose queue is paused with waiting jobs is not ready until one is completed', async () => {
  const event = { installationId: randomUUID(), product: 'dcos', event: 'health', properties: {} };
  const headers = { authorization: 'Bearer wk_dcos' };
  await muster.queue.pause();
  // Longer than the limit with waiting jobs. Without jobs, a pause is not an error.
  await sleep(3000);
  expect(await ask('ready')).toEqual(OK);
  expect((await muster.post('/v1/events', event, { headers })).status).toBe(202);
  const stalled = unavailable('queue', 'stalled');
  await vi.waitFor(async () => expect(await ask('ready')).toEqual(stalled), 10_000);
  expect(await ask('live')).toEqual(LIVE);
  await muster.queue.resume();
  await vi.waitFor(async () => expect(await ask('ready')).toEqual(OK), 10_000);
  const lines = muster.workers[0]!.log.split('\n').filter((line) => line.includes('is completed'));
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(['error']);
});

test('a worker whose loop makes no progress is not ready and names it, until it does', async () => {
  const worker = await muster.addWorker({ WORKER_STUCK_SECONDS: '2' });
  const owner = new pg.Client({ connectionString: muster.databaseUrl });
  await owner.connect();
  try {
    await owner.query('BEGIN; LOCK TABLE policy_revision');
    await muster.owner(`SELECT pg_notify('muster_policy', '')`); // makes it read the policy
    const stuck = { status: 503, json: { status: 'unavailable', stuck: ['policy'] } };
    await vi.waitFor(async () => expect(await ask('ready', worker)).toMatchObject(stuck), 10_000);
    expect(await ask('live', worker)).toMatchObject({ status: 200, json: { stuck: ['policy'] } });
    await owner.query('ROLLBACK');
    await vi.waitFor(async () => expect(await ask('ready', worker)).toEqual(OK), 10_000);
  } finally {
    await owner.end();
    await worker.stop();
  }
});

async function ask(what: 'live' | 'ready', worker = muster.workers[0]!) {
  const { healthPort } = worker.ready;
  const answer = await fetch(`http://localhost:${healthPort}/health/${what}`, {
    // A kept-alive connection might be closed just as the next request is sent.
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(5000),
  });
  return { status: answer.status, json: await answer.json() };
}

/** Allows or refuses connections to this file's database. Refusing also ends the existing ones. */
async function allowConnections(areAllowed: boolean) {
  const name = new URL(muster.databaseUrl).pathname.slice(1);
  const server = new pg.Client({ connectionString: inject('services').serverUrl });
  await server.connect();
  await server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${areAllowed}`);
  await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    name,
  ]);
  await server.end();
}
