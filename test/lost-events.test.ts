import { randomUUID } from 'node:crypto';
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { type AppClass, InProcessApp, SpawnedApp } from './support/app.js';
import { HttpsClient } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

const WITHIN = { timeout: 30_000, interval: 100 };
/** Several rounds of the comparison, which runs every second. */
const ROUNDS_MS = 3000;
const PRODUCTS = ['flushed', 'also', 'tail', 'backlog', 'killed', 'stopped', 'relearned', 'late'];
const ALARM = { isBalanced: false, alert: true };
const CALM = { isBalanced: true, alert: false };

vi.setConfig({ testTimeout: 90_000 });
afterAll(() => vi.resetConfig());

let redis: PrivateRedis;
let client: Redis;
let muster: Muster;
/** In their own processes, so that they can be frozen. */
const workers: SpawnedApp[] = [];
let admin: Admin;

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url, { retryStrategy: () => 100 });
  client.on('error', () => undefined);
  muster = await startMuster({
    ...{ redisUrl: redis.url, workers: 0 },
    // Each test has a product, and sees its losses only.
    writeKeys: Object.fromEntries(PRODUCTS.map((product) => [product, `wk_${product}`])),
    ingestEnv: { REDIS_HOLD_MS: '2000' },
    workerEnv: { WORKER_HEALTH_PORT: '0', WORKER_BALANCE_SECONDS: '1' },
  });
  admin = await startAdmin(muster);
  await addWorker();
});

async function addWorker(): Promise<SpawnedApp> {
  const worker = new SpawnedApp('worker', { ...muster.environments.worker });
  workers.push(worker);
  return worker.start();
}

/** A second ingest, which the test stops or kills. */
async function addIngest<A extends InProcessApp | SpawnedApp>(
  AppOf: AppClass<A>,
): Promise<{ app: A; client: HttpsClient }> {
  const app = new AppOf('ingest', { ...muster.environments.ingest });
  onTestFinished(async () => {
    await app.stop();
  });
  await app.start();
  const url = `https://localhost:${app.ready.port}`;
  return { app, client: new HttpsClient(url, muster.ca) };
}

afterEach(() => thawWorkers());

afterAll(async () => {
  client.disconnect();
  await admin.stop();
  await Promise.all(workers.map((worker) => worker.stop()));
  await muster.stop();
  await redis.stop();
});

test('a long backlog and jobs that a worker retries count as queued, not as lost', async () => {
  const waiting = workers[0]!;
  await waiting.stop();
  await send('backlog', 5);
  await muster.queue.pause();
  const worker = await addWorker();
  await vi.waitFor(
    async () =>
      expect(await balance('backlog')).toMatchObject([
        { acknowledged: 5, queued: 5, accepted: 0, lost: 0 },
      ]),
    WITHIN,
  );
  expect((await admin.ask('GET', '/v1/balance')).json).toMatchObject(CALM);
  await muster.owner(`ALTER TABLE ingest_tally RENAME TO ingest_tally_away`);
  await muster.queue.resume();
  await vi.waitFor(async () => expect(await muster.queue.getDelayedCount()).toBeGreaterThan(0));
  await muster.owner(`ALTER TABLE ingest_tally_away RENAME TO ingest_tally`);
  await muster.drained();
  await vi.waitFor(
    async () =>
      expect(await balance('backlog')).toMatchObject([{ accepted: 5, queued: 0, lost: 0 }]),
    WITHIN,
  );
  expect(worker.log).not.toContain('are lost');
});

test('events lost by a flushed queue are reported by hour, product and count, and logged once', async () => {
  freezeWorkers();
  await send('flushed', 20);
  await send('also', 1);
  await client.flushall();
  thawWorkers();
  await untilLost({ flushed: 20, also: 1 });
  const { hours, ...verdict } = (await admin.ask('GET', '/v1/balance')).json;
  expect(verdict).toMatchObject(ALARM);
  const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString();
  expect(hours).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        ...{ product: 'flushed', hour, acknowledged: 20, accepted: 0, queued: 0, lost: 20 },
      }),
      expect.objectContaining({ product: 'also', acknowledged: 1, lost: 1 }),
    ]),
  );
  await sleep(ROUNDS_MS);
  const { log, ready } = workers.at(-1)!;
  const lines = log.split('\n').filter((line) => line.includes('are lost'));
  expect(lines).toHaveLength(2);
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ level: 'error', product: 'flushed', lost: 20 }),
    ]),
  );
  const metrics = await (await fetch(`http://localhost:${ready.healthPort}/metrics`)).text();
  expect(metrics).toContain('muster_lost_events{product="flushed"} 20');
});

test('events in a lost tail of the append-only file are reported, and later ones are stored', async () => {
  freezeWorkers();
  const [, directory = ''] = await client.config('GET', 'dir');
  const folder = join(directory, 'appendonlydir');
  const file = join(
    folder,
    (await readdir(folder)).find((name) => name.endsWith('.incr.aof'))!,
  );
  const { size } = await stat(file);
  await send('tail', 7);
  await redis.kill();
  await truncate(file, size);
  await redis.restart();
  await vi.waitFor(async () => expect((await post('tail')).status).toBe(202), WITHIN);
  thawWorkers();
  await untilLost({ tail: 7 });
  expect(await balance('tail')).toMatchObject([{ acknowledged: 8, accepted: 1 }]);
});

test('a loss is reported even if the process that acknowledged the events was killed after announcing them', async () => {
  freezeWorkers();
  const { app, client: other } = await addIngest(SpawnedApp);
  await send('killed', 3, other);
  await send('killed', 2);
  await vi.waitFor(async () => expect(await announced('killed')).toBe(5), WITHIN);
  await app.kill();
  await muster.queue.obliterate({ force: true });
  thawWorkers();
  await untilLost({ killed: 5 });
});

test('a stopping process announces the events that it acknowledged last', async () => {
  freezeWorkers();
  const { app, client: other } = await addIngest(InProcessApp);
  await send('stopped', 3, other);
  await app.stop();
  expect(await announced('stopped')).toBe(3);
});

test('the counts of all hours are restored in a flushed Redis', async () => {
  await send('relearned', 4);
  await muster.drained();
  await vi.waitFor(async () => expect(await announced('relearned')).toBe(4), WITHIN);
  await client.flushall();
  await vi.waitFor(async () => expect(await announced('relearned')).toBe(4), WITHIN);
  await vi.waitFor(
    async () => expect(await balance('relearned')).toMatchObject([{ accepted: 4, lost: 0 }]),
    WITHIN,
  );
});

test('a write that succeeded after a 503 does not hide a lost event', async () => {
  freezeWorkers();
  await send('late', 2);
  await client.flushall();
  redis.pause();
  // Written once Redis runs again; by then the sender has its answer.
  expect((await post('late')).status).toBe(503);
  redis.resume();
  await vi.waitFor(async () => expect(await muster.queue.getWaitingCount()).toBe(1), WITHIN);
  await vi.waitFor(async () => expect((await post('late')).status).toBe(202), WITHIN);
  thawWorkers();
  await untilLost({ late: 2 });
  expect(await balance('late')).toMatchObject([{ acknowledged: 3, accepted: 2, lost: 2 }]);
});

const freezeWorkers = () => workers.forEach((worker) => worker.signal('SIGSTOP'));
const thawWorkers = () => workers.forEach((worker) => worker.signal('SIGCONT'));

type Ingest = Pick<HttpsClient, 'post'>;

async function post(product: string, to: Ingest = muster) {
  const event = { installationId: randomUUID(), product, event: 'health', properties: {} };
  return to.post('/v1/events', event, { headers: { authorization: `Bearer wk_${product}` } });
}

async function send(product: string, count: number, to: Ingest = muster): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) expect((await post(product, to)).status).toBe(202);
}

async function balance(product: string): Promise<Record<string, unknown>[]> {
  const hours = (await admin.ask('GET', '/v1/balance')).json.hours as Record<string, unknown>[];
  return hours.filter((hour) => hour.product === product);
}

/** Waits until these numbers are lost, by product. */
async function untilLost(expected: Record<string, number>): Promise<void> {
  await vi.waitFor(async () => {
    const rows = await muster.analyst(
      `SELECT product, sum(lost)::int AS lost FROM ingest_balance
        WHERE lost > 0 AND product = ANY ($1) GROUP BY 1`,
      [Object.keys(expected)],
    );
    expect(Object.fromEntries(rows.map((row) => [row.product, row.lost]))).toEqual(expected);
  }, WITHIN);
}

/** Events of a product in the counts that Redis has, of all processes. */
async function announced(product: string): Promise<number> {
  const keys = await client.keys(`${muster.queuePrefix}:counts:*`);
  const hashes = await Promise.all(keys.map((key) => client.hgetall(key)));
  const counts = hashes.flatMap((fields) =>
    Object.entries(fields)
      .filter(([name]) => name.startsWith('acknowledged:'))
      .map(([, text]) => (JSON.parse(text) as Record<string, number>)[product] ?? 0),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
