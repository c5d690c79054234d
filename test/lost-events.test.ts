import { randomUUID } from 'node:crypto';
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import type { HttpsClient } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

/** Several rounds of the comparison, which runs every 5 seconds. */
const WITHIN = { timeout: 30_000, interval: 250 };
const ROUNDS_MS = 12_000;
const ALARM = { isBalanced: false, alert: true };
const CALM = { isBalanced: true, alert: false };

vi.setConfig({ testTimeout: 90_000 });
afterAll(() => vi.resetConfig());

let redis: PrivateRedis;
let client: Redis;
let muster: Muster;
let admin: Admin;

beforeEach(async () => {
  redis = await startRedis();
  client = new Redis(redis.url, { retryStrategy: () => 100 });
  client.on('error', () => undefined);
  muster = await startMuster({ redisUrl: redis.url, workerEnv: { WORKER_HEALTH_PORT: '0' } });
  admin = await startAdmin(muster);
});

afterEach(async () => {
  client.disconnect();
  await admin.stop();
  await muster.stop();
  await redis.stop();
});

test('events lost by a flushed queue are reported by hour, product and count, and logged once', async () => {
  freezeWorkers();
  await send(20);
  await send(1, { key: 'wk_resoto', product: 'resoto' });
  await client.flushall();
  thawWorkers();
  await vi.waitFor(async () => expect(await lost()).toEqual({ dcos: 20, resoto: 1 }), WITHIN);
  const { hours, ...verdict } = (await admin.ask('GET', '/v1/balance')).json;
  expect(verdict).toMatchObject(ALARM);
  const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString();
  expect(hours).toMatchObject([
    { product: 'dcos', hour, acknowledged: 20, accepted: 0, queued: 0, lost: 20 },
    { product: 'resoto', acknowledged: 1, lost: 1 },
  ]);
  await sleep(ROUNDS_MS);
  const lines = muster.workers[0]!.log.split('\n').filter((line) => line.includes('are lost'));
  expect(lines).toHaveLength(2);
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ level: 'error', product: 'dcos', lost: 20 }),
    ]),
  );
  const { healthPort } = muster.workers[0]!.ready;
  const metrics = await (await fetch(`http://localhost:${healthPort}/metrics`)).text();
  expect(metrics).toContain('muster_lost_events{product="dcos"} 20');
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
  await send(7);
  await redis.kill();
  await truncate(file, size);
  await redis.restart();
  await vi.waitFor(async () => expect((await post(muster)).status).toBe(202), WITHIN);
  thawWorkers();
  await vi.waitFor(async () => expect(await lost()).toEqual({ dcos: 7 }), WITHIN);
});

test('a long backlog and jobs that a worker retries count as queued, not as lost', async () => {
  const waiting = muster.workers[0]!;
  await waiting.stop();
  await send(5);
  await muster.queue.pause();
  const worker = await muster.addWorker();
  await vi.waitFor(
    async () =>
      expect(await balance()).toMatchObject([{ acknowledged: 5, queued: 5, accepted: 0, lost: 0 }]),
    WITHIN,
  );
  expect((await admin.ask('GET', '/v1/balance')).json).toMatchObject(CALM);
  await muster.owner(`ALTER TABLE ingest_tally RENAME TO ingest_tally_away`);
  await muster.queue.resume();
  await vi.waitFor(async () => expect(await muster.queue.getDelayedCount()).toBeGreaterThan(0));
  await muster.owner(`ALTER TABLE ingest_tally_away RENAME TO ingest_tally`);
  await muster.drained();
  await vi.waitFor(
    async () => expect(await balance()).toMatchObject([{ accepted: 5, queued: 0, lost: 0 }]),
    WITHIN,
  );
  expect(worker.log).not.toContain('are lost');
});

test('a loss is reported even if the process that acknowledged the events was killed after announcing them', async () => {
  freezeWorkers();
  const { app, client: other } = await muster.addIngest();
  await send(3, { to: other });
  await send(2);
  await vi.waitFor(async () => expect(await announced()).toBe(5), WITHIN);
  await app.kill();
  await muster.queue.obliterate({ force: true });
  thawWorkers();
  await vi.waitFor(async () => expect(await lost()).toEqual({ dcos: 5 }), WITHIN);
});

test('a stopping process announces the events that it acknowledged last', async () => {
  freezeWorkers();
  const { app, client: other } = await muster.addIngest();
  await send(3, { to: other });
  await app.stop();
  expect(await announced()).toBe(3);
});

test('the counts of all hours are restored in a flushed Redis', async () => {
  await send(4);
  await muster.drained();
  await vi.waitFor(async () => expect(await announced()).toBe(4), WITHIN);
  await client.flushall();
  await vi.waitFor(async () => expect(await announced()).toBe(4), WITHIN);
  await vi.waitFor(async () => expect(await balance()).toMatchObject([{ lost: 0 }]), WITHIN);
});

test('a write that succeeded after a 503 does not hide a lost event', async () => {
  freezeWorkers();
  await send(2);
  await client.flushall();
  redis.pause();
  // Redis writes it when it resumes. By then the client has its response.
  expect((await post(muster)).status).toBe(503);
  redis.resume();
  await vi.waitFor(async () => expect(await muster.queue.getWaitingCount()).toBe(1), WITHIN);
  await vi.waitFor(async () => expect((await post(muster)).status).toBe(202), WITHIN);
  thawWorkers();
  await vi.waitFor(async () => expect(await lost()).toEqual({ dcos: 2 }), WITHIN);
  expect(await balance()).toMatchObject([{ acknowledged: 3, accepted: 2, lost: 2 }]);
});

const freezeWorkers = () => muster.workers.forEach((worker) => worker.signal('SIGSTOP'));
const thawWorkers = () => muster.workers.forEach((worker) => worker.signal('SIGCONT'));

interface Sending {
  key?: string;
  product?: string;
  to?: Pick<HttpsClient, 'post'>;
}

async function post(to: Pick<HttpsClient, 'post'>, { key = 'wk_dcos', product = 'dcos' } = {}) {
  const event = { installationId: randomUUID(), product, event: 'health', properties: {} };
  return to.post('/v1/events', event, { headers: { authorization: `Bearer ${key}` } });
}

async function send(count: number, { to = muster, ...sender }: Sending = {}): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    expect((await post(to, sender)).status).toBe(202);
  }
}

const balance = async () =>
  (await admin.ask('GET', '/v1/balance')).json.hours as Record<string, unknown>[];

async function lost(): Promise<Record<string, number>> {
  const rows = await muster.analyst(
    'SELECT product, sum(lost)::int AS lost FROM ingest_balance WHERE lost > 0 GROUP BY 1',
  );
  return Object.fromEntries(rows.map(({ product, lost: count }) => [product, count]));
}

/** Sum of the counts of all processes in Redis. */
async function announced(): Promise<number> {
  const keys = await client.keys(`${muster.queuePrefix}:counts:*`);
  const hashes = await Promise.all(keys.map((key) => client.hgetall(key)));
  const counts = hashes.flatMap((fields) =>
    Object.entries(fields)
      .filter(([name]) => name.startsWith('acknowledged:'))
      .flatMap(([, text]) => Object.values(JSON.parse(text) as Record<string, number>)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
