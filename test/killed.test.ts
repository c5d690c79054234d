import { randomUUID } from 'node:crypto';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpawnedApp } from './support/app.js';
import { HttpsClient } from './support/https.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';
import { type PrivateRedis, startRedis } from './support/redis.js';
import { atScale } from './support/scale.js';

const INSTALLATIONS = Array.from({ length: 20 }, () => randomUUID());
/** The jobs that a worker with one transaction at a time takes from the queue. */
const JOBS = 8;
/** How often ingest, Redis and a worker are killed, and each kind of connection is cut. */
const ROUNDS = atScale(1, 5);
const EVENTS_A_REQUEST = 5;
const SENDERS = 8;
const KILL_EVERY_MS = 300;
/**
 * The lock of a killed worker lasts 4 seconds, and workers check for expired locks every second.
 * BullMQ's own locks last 30 seconds.
 */
const TAKEN_OVER = { timeout: 20_000, interval: 100 };

let redis: PrivateRedis;
let muster: Muster<SpawnedApp>;
let commands: Redis;
/** A second session that blocks storing. */
let other: pg.Client;
let client: HttpsClient;
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  redis = await startRedis();
  commands = new Redis(redis.url);
  commands.on('error', () => undefined);
  const workerEnv = { WORKER_CONCURRENCY: '1' };
  muster = await startSpawnedMuster({ redisUrl: redis.url, workers: 2, workerEnv });
  client = new HttpsClient(muster.ingestUrl, muster.ca, agent);
  other = new pg.Client({ connectionString: muster.databaseUrl });
  await other.connect();
});

afterAll(async () => {
  agent.destroy();
  commands.disconnect();
  await other.end();
  await muster.stop();
  await redis.stop();
});

/** Each is one job. */
function requestOf(index: number) {
  return Array.from({ length: EVENTS_A_REQUEST }, (_, place) => ({
    id: `${index}-${place}`,
    installationId: INSTALLATIONS[(index + place) % INSTALLATIONS.length],
    product: 'dcos',
    event: 'health',
    occurredAt: new Date().toISOString(),
    properties: {
      'health-unit-dcos-signal-timer-total': 5,
      'health-unit-dcos-signal-timer-unhealthy': index % 5,
    },
  }));
}

let sent = 0;

async function sendUntilAcknowledged(): Promise<void> {
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  const body = requestOf(sent);
  sent += 1;
  for (;;) {
    const answer = await client.post('/v1/events', body, { headers }).catch(() => undefined);
    if (answer?.status === 202) return;
    expect(answer?.status ?? 503).toBe(503);
    await sleep(50);
  }
}

async function expectSentStoredOnce() {
  const stored = await muster.owner(
    'SELECT count(*)::int AS rows, count(DISTINCT (installation_id, event_key))::int AS events FROM report',
  );
  const events = sent * EVENTS_A_REQUEST;
  expect(stored).toEqual([{ rows: events, events }]);
}

test('another worker stores the jobs of a killed worker within seconds', async () => {
  await other.query('BEGIN; LOCK TABLE report');
  for (let job = 0; job < 2 * JOBS; job += 1) await sendUntilAcknowledged();
  await expect.poll(() => muster.queue.getActiveCount(), TAKEN_OVER).toBe(2 * JOBS);
  const [killed] = muster.workers;
  await killed!.kill();
  await other.query('COMMIT');
  const jobs = async () =>
    Object.values(await muster.queue.getJobCounts()).reduce((sum, count) => sum + count);
  await expect.poll(jobs, TAKEN_OVER).toBe(0);
  await expectSentStoredOnce();
  await killed!.start();
}, 60_000);

/**
 * Agents send, and resend events without a response, while every process on the path is killed in
 * turn. Another worker takes over a killed worker's job after about five seconds.
 */
test('every acknowledged event is stored once and the balance adds up, whichever process is killed and whichever connections are cut', async () => {
  const isOver = new AbortController();
  const senders = Array.from({ length: SENDERS }, async () => {
    while (!isOver.signal.aborted) {
      await sendUntilAcknowledged();
      await sleep(50);
    }
  });
  for (let round = 1; round <= ROUNDS; round += 1) await killInTurn(muster.workers[round % 2]!);
  isOver.abort();
  await Promise.all(senders);
  await untilDrained();

  await expectSentStoredOnce();
  const [balance] = await muster.analyst(
    `SELECT sum(accepted - duplicate)::int AS once, sum(stored)::int AS stored,
            sum(quarantined)::int AS quarantined, sum(abs(unaccounted))::int AS unaccounted
       FROM fleet.ingest_balance`,
  );
  const events = sent * EVENTS_A_REQUEST;
  expect(balance).toEqual({ once: events, stored: events, quarantined: 0, unaccounted: 0 });
}, 240_000);

async function killInTurn(worker: SpawnedApp): Promise<void> {
  for (const app of [worker, 'Redis', muster.ingest] as const) {
    await sleep(KILL_EVERY_MS);
    if (app === 'Redis') {
      await redis.kill();
      await redis.restart();
    } else {
      await app.kill();
      await app.start();
    }
  }
  await sleep(KILL_EVERY_MS);
  await muster.owner(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'muster-worker' AND datname = current_database()`,
  );
  await sleep(KILL_EVERY_MS);
  await commands.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await sleep(KILL_EVERY_MS);
}

/**
 * Waits longer than `muster.drained`, because jobs of killed workers are found by their expired
 * locks.
 */
async function untilDrained(): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const isDrained = await muster.drained().then(
      () => true,
      () => false,
    );
    if (isDrained) return;
  }
  await muster.drained();
}
