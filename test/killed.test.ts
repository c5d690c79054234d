import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpawnedApp } from './support/app.js';
import { startSpawnedMuster, type Muster } from './support/muster.js';
import { type PrivateRedis, startRedis } from './support/redis.js';

const INSTALLATIONS = Array.from({ length: 20 }, () => randomUUID());
const REQUESTS = 400;
const EVENTS_A_REQUEST = 5;
const SENDERS = 8;

let redis: PrivateRedis;
let muster: Muster<SpawnedApp>;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startSpawnedMuster({ redisUrl: redis.url, workers: 2 });
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

/**
 * Agents send, and resend events without a response, while every process on the path is killed in
 * turn. Another worker takes over a killed worker's job after about ten seconds.
 */
test('every acknowledged event is stored once and the balance adds up, whichever process is killed', async () => {
  const requests = Array.from({ length: REQUESTS }, (_, index) => requestOf(index));
  const isOver = new AbortController();
  const killing = killInTurn(isOver.signal);
  const waiting = [...requests];
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        await sendUntilAcknowledged(next);
        await sleep(20);
      }
    }),
  );
  isOver.abort();
  // Each of the four at least once.
  expect(await killing).toBeGreaterThanOrEqual(4);
  await untilDrained();

  const stored = await muster.owner(
    'SELECT count(*)::int AS rows, count(DISTINCT (installation_id, event_key))::int AS events FROM report',
  );
  const sent = REQUESTS * EVENTS_A_REQUEST;
  expect(stored).toEqual([{ rows: sent, events: sent }]);
  const [balance] = await muster.analyst(
    `SELECT sum(accepted - duplicate)::int AS once, sum(stored)::int AS stored,
            sum(quarantined)::int AS quarantined, sum(abs(unaccounted))::int AS unaccounted
       FROM fleet.ingest_balance`,
  );
  expect(balance).toEqual({ once: sent, stored: sent, quarantined: 0, unaccounted: 0 });
}, 120_000);

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

async function sendUntilAcknowledged(body: object): Promise<void> {
  const headers = { authorization: `Bearer ${muster.writeKeys.dcos}` };
  for (;;) {
    const answer = await muster.post('/v1/events', body, { headers }).catch(() => undefined);
    if (answer?.status === 202) return;
    expect(answer?.status ?? 503).toBe(503);
    await sleep(50);
  }
}

/** @returns the number of kills */
async function killInTurn(over: AbortSignal): Promise<number> {
  const [first, second] = muster.workers;
  const victims = [
    async () => {
      await first!.kill();
      await first!.start();
    },
    async () => {
      await redis.kill();
      await redis.restart();
    },
    async () => {
      await muster.ingest.kill();
      await muster.ingest.start();
    },
    async () => {
      await second!.kill();
      await second!.start();
    },
  ];
  let turn = 0;
  for (; !over.aborted; turn += 1) {
    await sleep(400);
    await victims[turn % victims.length]!();
  }
  return turn;
}

/**
 * Waits longer than `muster.drained`, because jobs of killed workers are found by their expired
 * locks.
 */
async function untilDrained(): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (
      await muster.drained().then(
        () => true,
        () => false,
      )
    )
      return;
  }
  await muster.drained();
}
