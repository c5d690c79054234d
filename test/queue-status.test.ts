import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { randomLetters } from './support/letters.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis } from './support/redis.js';

const NONE = { waiting: 0, active: 0, delayed: 0, failed: 0 };
const HOUR_MS = 3_600_000;

let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
  admin = await startAdmin(muster);
});

afterEach(() => muster.queue.obliterate({ force: true }));

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const figures = async () => (await admin.ask('GET', '/v1/queue')).json;

test('an empty queue has no oldest job', async () => {
  expect(await figures()).toEqual({ depth: 0, counts: NONE, oldestJobAgeMs: null });
});

test('jobs are counted by state, and the oldest is found in any state', async () => {
  const add = (options: object) => muster.queue.add('batch', {}, options);
  const now = Date.now();
  await add({ timestamp: now - HOUR_MS });
  await add({ timestamp: now - 3 * HOUR_MS });
  await add({ timestamp: now - 2 * HOUR_MS, delay: 24 * HOUR_MS });
  const first = await figures();
  expect(first).toMatchObject({ depth: 3, counts: { ...NONE, waiting: 2, delayed: 1 } });
  expect(first.oldestJobAgeMs / HOUR_MS).toBeCloseTo(3, 1);
  await add({ timestamp: now - 5 * HOUR_MS, delay: 24 * HOUR_MS });
  expect((await figures()).oldestJobAgeMs / HOUR_MS).toBeCloseTo(5, 1);
});

test('permanently failed jobs are listed with their reason, without content, and do not count as waiting', async () => {
  const secret = randomLetters();
  const [id] = await fail(muster, secret);
  const { text, json } = await admin.ask('GET', '/v1/queue/failed');
  expect(json.jobs).toEqual([
    {
      id,
      failedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      reason: 'The envelopes of the job cannot be unpacked.',
      attempts: 1,
    },
  ]);
  expect(text).not.toContain(secret);
  expect(await figures()).toEqual({
    depth: 0,
    counts: { ...NONE, failed: 1 },
    oldestJobAgeMs: null,
  });
});

test('all failed jobs or the given ones can be retried, with an audit entry', async () => {
  const [first] = await fail(muster, 'one', 'two', 'three');
  const retry = async (body: object) =>
    (await admin.ask('POST', '/v1/queue/failed/retry', body)).json;
  expect(await retry({ ids: [first, first, randomUUID()] })).toEqual({ retried: 1 });
  expect((await figures()).counts).toEqual({ ...NONE, waiting: 1, failed: 2 });
  expect(await retry({})).toEqual({ retried: 2 });
  expect((await figures()).counts).toEqual({ ...NONE, waiting: 3 });
  expect(
    await muster.owner(
      `SELECT actor, act, outcome, detail FROM audit_log WHERE act = 'queue.retry' ORDER BY audit_id`,
    ),
  ).toEqual([
    { actor: 'root', act: 'queue.retry', outcome: 'done', detail: { retried: 1, all: false } },
    { actor: 'root', act: 'queue.retry', outcome: 'done', detail: { retried: 2, all: true } },
  ]);
});

test.each([
  ['ids', { ids: 'all' }],
  ['ids', { ids: [] }],
  ['ids', { ids: [1] }],
])('an invalid %s gets 400 with the path of the error', async (path, body) => {
  const { status, json } = await admin.ask('POST', '/v1/queue/failed/retry', body);
  expect({ status, code: json.code, path: json.path }).toEqual({
    status: 400,
    code: 'invalid_request',
    path,
  });
});

test('while Redis is down, the queue routes get 503 and the others work', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const lone = await startMuster({ redisUrl: redis.url, workers: 0 });
  onTestFinished(() => lone.stop());
  const its = await startAdmin(lone);
  onTestFinished(() => its.stop());
  expect((await its.ask('GET', '/v1/queue')).status).toBe(200);
  await redis.kill();
  const asked = await Promise.all([
    its.ask('GET', '/v1/queue'),
    its.ask('GET', '/v1/queue/failed'),
    its.ask('POST', '/v1/queue/failed/retry', {}),
    its.ask('GET', '/queues/api/queues'),
  ]);
  expect(asked.map(({ status, json }) => [status, json.code])).toEqual(
    asked.map(() => [503, 'unavailable']),
  );
  expect(asked[0].headers['retry-after']).toBe('5');
  expect(await lone.owner(`SELECT act, outcome FROM audit_log WHERE act LIKE 'queue.%'`)).toEqual([
    { act: 'queue.retry', outcome: 'failed' },
  ]);
  expect((await its.ask('GET', '/v1/erasures')).status).toBe(200);
  expect((await its.ask('GET', '/health/ready')).status).toBe(200);
});

/** Adds jobs that a worker cannot read, and waits until they have failed. @returns their ids */
async function fail({ queue, addWorker }: Muster, ...envelopes: string[]) {
  const jobs = await Promise.all(envelopes.map((it) => queue.add('batch', { envelopes: it })));
  const worker = await addWorker();
  while ((await queue.getFailedCount()) < jobs.length) await sleep(20);
  await worker.stop();
  return jobs.map(({ id }) => id);
}
