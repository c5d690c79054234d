import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startAdmin } from './support/admin.js';
import { startMuster, type Muster, type MusterOptions } from './support/muster.js';
import { untilFollowed } from './support/policy.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

const KEY = { authorization: 'Bearer wk_dcos' };
const DCOS_SIGNAL = { ...KEY, 'user-agent': 'analytics-go (version: 2.1.0)' };
/** A hung connection is dropped two seconds later. */
const IMPATIENT = { REDIS_TIMEOUT_MS: '200' };

let redis: PrivateRedis;
let patient: Muster;

beforeAll(async () => {
  redis = await startRedis();
  patient = await startMuster({ redisUrl: redis.url, ingestEnv: IMPATIENT });
});

afterEach(() => redis.resume());

afterAll(async () => {
  await patient.stop();
  await redis.stop();
});

/** An event without id and time. Each time it is sent, it counts as a new event. */
const eventOf = (installationId: string) => ({
  ...{ installationId, product: 'dcos', event: 'health' },
  properties: { 'health-unit-a-total': 1, 'health-unit-a-unhealthy': 0 },
});

/** Sends an event of a new installation. */
async function send(to: Muster, headers: Record<string, string> = KEY) {
  const id = randomUUID();
  const since = performance.now();
  const { status, headers: answered } = await to.post('/v1/events', eventOf(id), { headers });
  return { id, status, ms: performance.now() - since, retryAfter: answered['retry-after'] };
}

const sendMany = (to: Muster) => Promise.all(Array.from({ length: 30 }, () => send(to)));

async function expectStoredOnce(in_: Muster, sent: readonly { id: string; status: number }[]) {
  expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 202));
  await in_.drained();
  const rows = await in_.analyst(
    `SELECT installation_id AS id, count(*)::int AS count FROM fleet.reports
      WHERE installation_id = ANY ($1) GROUP BY 1`,
    [sent.map(({ id }) => id)],
  );
  expect(rows).toHaveLength(sent.length);
  expect(rows.every(({ count }) => count === 1)).toBe(true);
}

async function start(options: MusterOptions): Promise<Muster> {
  const muster = await startMuster({ redisUrl: redis.url, workers: 0, ...options });
  onTestFinished(() => muster.stop());
  return muster;
}

/** The response to a client during an outage. */
const refusal = { status: 503, retryAfter: '5' };

test('events sent during a Redis restart are accepted when Redis is back', async () => {
  await redis.kill();
  const sending = sendMany(patient);
  await sleep(1500);
  await redis.restart();
  await expectStoredOnce(patient, await sending);
});

test('events sent until a new master has its replicas again are accepted then', async () => {
  const operator = new Redis(redis.url);
  onTestFinished(() => operator.disconnect());
  await operator.config('SET', 'min-replicas-to-write', '1');
  const sending = sendMany(patient);
  await sleep(1500);
  await operator.config('SET', 'min-replicas-to-write', '0');
  await expectStoredOnce(patient, await sending);
});

test('events that Redis receives while it hangs, and confirms later, are stored once', async () => {
  redis.pause();
  const sending = sendMany(patient);
  await sleep(1200);
  redis.resume();
  await expectStoredOnce(patient, await sending);
});

test('events that Redis received over a dropped connection are stored once', async () => {
  const workers = patient.workers.map((worker) => worker.stop());
  await Promise.all(workers);
  redis.pause();
  const sending = sendMany(patient);
  await sleep(4000);
  redis.resume();
  const sent = await sending;
  await patient.addWorker();
  await expectStoredOnce(patient, sent);
});

test('events that Redis loses with the connection are written again', async () => {
  redis.pause();
  const sending = sendMany(patient);
  await sleep(1000);
  await redis.kill();
  await redis.restart();
  await expectStoredOnce(patient, await sending);
});

test('requests of a product with a limit are held too', async () => {
  const admin = await startAdmin(patient);
  onTestFinished(() => admin.stop());
  const limits = { eventsPerMinutePerInstallation: 100 };
  await admin.ask('PATCH', '/v1/products/dcos', { limits });
  await untilFollowed(patient, [patient.ingest]);
  await redis.kill();
  const sending = sendMany(patient);
  await sleep(1500);
  await redis.restart();
  await expectStoredOnce(patient, await sending);
});

test('a request is held for REDIS_HOLD_MS, and then gets 503 with Retry-After', async () => {
  const muster = await start({ ingestEnv: { ...IMPATIENT, REDIS_HOLD_MS: '1500' } });
  expect((await send(muster)).status).toBe(202);
  redis.pause();
  const answers = await sendMany(muster);
  expect(answers).toMatchObject(answers.map(() => refusal));
  expect(Math.min(...answers.map(({ ms }) => ms))).toBeGreaterThan(1300);
  const { status } = await muster.get('/health/ready');
  expect(status).toBe(503);
});

test('up to MAX_HELD_REQUESTS requests are held, and the others get 503 immediately', async () => {
  const ingestEnv = { REDIS_HOLD_MS: '8000', MAX_HELD_REQUESTS: '10' };
  const muster = await start({ ingestEnv });
  await redis.kill();
  await expect.poll(() => muster.get('/health/ready').then(({ status }) => status)).toBe(503);
  const sending = sendMany(muster);
  // The held requests wait for Redis.
  await sleep(2000);
  await redis.restart();
  const answers = await sending;
  const refused = answers.filter(({ status }) => status === 503);
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
  expect(refused).toMatchObject(Array(20).fill(refusal));
  expect(Math.max(...refused.map(({ ms }) => ms))).toBeLessThan(1900);
});

test('dcos-signal gets a closed connection instead of 503, because it retries only then', async () => {
  const muster = await start({ ingestEnv: { ...IMPATIENT, REDIS_HOLD_MS: '300' } });
  await redis.kill();
  await expect(send(muster, DCOS_SIGNAL)).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect((await send(muster)).status).toBe(503);
  await redis.restart();
  const again = () =>
    send(muster, DCOS_SIGNAL).then(
      ({ status }) => status,
      () => null,
    );
  await expect.poll(again, { timeout: 10_000 }).toBe(202);
});

test('UNANSWERED_AGENTS sets which agents get a closed connection', async () => {
  const ingestEnv = { ...IMPATIENT, REDIS_HOLD_MS: '0', UNANSWERED_AGENTS: 'none' };
  const muster = await start({ ingestEnv });
  redis.pause();
  expect((await send(muster, DCOS_SIGNAL)).status).toBe(503);
});
