import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpawnedApp } from './support/app.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

const CONCURRENCY = 4;
const ROUNDS = 4;
/** The lock of a killed worker lasts 4 seconds. Workers check for expired locks every second. */
const TAKEN_OVER_MS = 6500;
const EVENTS = 300;
const CUT_EVERY_MS = 500;

let redis: PrivateRedis;
let commands: Redis;
let muster: Muster<SpawnedApp>;
/** A second session that blocks storing. */
let other: pg.Client;

beforeAll(async () => {
  redis = await startRedis();
  commands = new Redis(redis.url);
  const workerEnv = { WORKER_CONCURRENCY: String(CONCURRENCY) };
  muster = await startSpawnedMuster({ redisUrl: redis.url, workers: 2, workerEnv });
  other = new pg.Client({ connectionString: muster.databaseUrl });
  await other.connect();
});

afterAll(async () => {
  await other.end();
  await muster.stop();
  commands.disconnect();
  await redis.stop();
});

/** Each event becomes a job. */
async function send(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  const properties = { 'health-unit-a-total': 3, 'health-unit-a-unhealthy': 1 };
  for (const installationId of ids) {
    const body = { installationId, product: 'dcos', event: 'health', properties };
    expect((await muster.post('/v1/events', body, { headers })).status).toBe(202);
  }
  return ids;
}

/** @returns the time until no job was left, in milliseconds */
async function untilEmpty(): Promise<number> {
  const since = performance.now();
  for (;;) {
    const counts = await muster.queue.getJobCounts();
    expect(counts.failed).toBe(0);
    if (Object.values(counts).every((count) => count === 0)) return performance.now() - since;
    await sleep(20);
  }
}

const storedOf = async (ids: readonly string[]) => {
  const rows = await muster.owner(
    'SELECT installation_id AS id FROM report WHERE installation_id = ANY ($1) ORDER BY 1',
    [ids],
  );
  return rows.map(({ id }) => id as string);
};

/** @returns the time to empty the queue, from the moment when the active jobs could be stored */
async function drainAfter(disturb: () => Promise<unknown>): Promise<number> {
  await other.query('BEGIN; LOCK TABLE report');
  const ids = await send(2 * CONCURRENCY);
  await expect.poll(() => muster.queue.getActiveCount(), { timeout: 10_000 }).toBe(2 * CONCURRENCY);
  await disturb();
  await other.query('COMMIT');
  const tookMs = await untilEmpty();
  expect(await storedOf(ids)).toEqual(ids.sort());
  return tookMs;
}

test('another worker stores the jobs of a killed worker within seconds', async () => {
  const undisturbedMs = await drainAfter(async () => undefined);
  const [killed] = muster.workers;
  let tookMs = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    tookMs += await drainAfter(() => killed!.kill());
    await killed!.start();
  }
  expect(tookMs).toBeLessThan(ROUNDS * (undisturbedMs + TAKEN_OVER_MS));
}, 180_000);

async function cutEverything(turn: number): Promise<void> {
  const [first, second] = muster.workers;
  const killed = [first, undefined, second, undefined][turn % 4];
  if (killed) {
    await killed.kill();
    await killed.start();
  } else if (turn % 4 === 1) {
    await muster.owner(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'muster-worker' AND datname = current_database()`,
    );
  } else await commands.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}

test('a backlog drains although workers are killed and their connections are cut, and each event is stored once', async () => {
  await muster.queue.pause();
  await send(EVENTS);
  await muster.queue.resume();
  const undisturbedMs = await untilEmpty();
  await muster.queue.pause();
  const ids = await send(EVENTS);
  await muster.queue.resume();
  const emptied = untilEmpty();
  let isEmpty = false;
  void emptied.finally(() => (isEmpty = true)).catch(() => undefined);
  for (let turn = 0; !isEmpty || turn < 4; turn += 1) {
    await cutEverything(turn);
    await sleep(CUT_EVERY_MS);
  }
  expect(await emptied).toBeLessThan(10 * undisturbedMs + 40_000);
  expect(await storedOf(ids)).toEqual(ids.sort());
}, 240_000);
