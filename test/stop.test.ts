import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { randomLetters } from './support/letters.js';
import { startMuster, startSpawnedMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';

let redis: PrivateRedis;
let muster: Muster;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startMuster({ redisUrl: redis.url });
  await muster.ingest.stop();
});

afterAll(async () => {
  await muster.stop();
  await redis.stop();
});

/** Every test stops an ingest. */
beforeEach(() => muster.ingest.start());

test('every response while ingest stops is a success, and its event is stored', async () => {
  const taken: string[] = [];
  const refused: number[] = [];
  let isStopping = false;
  const clients = Array.from({ length: 12 }, async () => {
    for (;;) {
      const { unit, body } = newEvent();
      try {
        const { status } = await muster.post('/v1/track', body, { headers: KEY });
        if (status === 200) taken.push(unit);
        else refused.push(status);
      } catch (error) {
        // A late client gets a connection error.
        if (isStopping) return;
        throw error;
      }
    }
  });
  await vi.waitFor(() => expect(taken.length).toBeGreaterThan(50), 10_000);
  isStopping = true;
  await muster.ingest.stop();
  await Promise.all(clients);
  expect(refused).toEqual([]);
  expect(await storedOf(taken)).toEqual(taken.sort());
});

test('a request whose body is still arriving when ingest stops is accepted and stored', async () => {
  const { unit, body } = newEvent();
  const text = JSON.stringify(body);
  const half = Math.floor(text.length / 2);
  const socket = connect({
    host: 'localhost',
    port: Number(new URL(muster.ingestUrl).port),
    ca: muster.ca,
  });
  await once(socket, 'secureConnect');
  socket.write(
    `POST /v1/track HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${KEY.authorization}\r\n` +
      `Content-Length: ${text.length}\r\nExpect: 100-continue\r\n\r\n${text.slice(0, half)}`,
  );
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 100 Continue\r\n/);
  const stopped = muster.ingest.stop();
  await vi.waitFor(() => expect(muster.get('/health/live')).rejects.toThrow('ECONNREFUSED'), 5000);
  const answered = once(socket, 'data');
  socket.write(text.slice(half));
  const closed = once(socket, 'close');
  expect(String((await answered)[0])).toMatch(/^HTTP\/1.1 200 OK\r\n/);
  // The client keeps the connection open, so the server closes it.
  await closed;
  await stopped;
  expect(await storedOf([unit])).toEqual([unit]);
});

test('idle connections do not prevent ingest from stopping', async () => {
  const sockets = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const { port } = new URL(muster.ingestUrl);
      const socket = connect({ host: 'localhost', port: Number(port), ca: muster.ca });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
      return socket;
    }),
  );
  await expect(muster.ingest.stop()).resolves.toBeUndefined();
  for (const socket of sockets) socket.destroy();
});

test('ingest and worker stop cleanly while Redis is down', async () => {
  const spawned = await startSpawnedMuster({ redisUrl: redis.url });
  await redis.kill();
  expect(await spawned.ingest.stop()).toBe(0);
  expect(await spawned.workers[0]!.stop()).toBe(0);
  await spawned.stop();
});

const KEY = { authorization: 'Bearer wk_dcos' };

/** An event that is identified by its unit. */
function newEvent() {
  const unit = randomLetters();
  const properties = {
    clusterId: randomUUID(),
    [`health-unit-${unit}-total`]: 1,
    [`health-unit-${unit}-unhealthy`]: 0,
  };
  return { unit, body: { event: 'health', messageId: unit, properties } };
}

async function storedOf(units: string[]): Promise<string[]> {
  await muster.drained();
  const rows = await muster.analyst(
    'SELECT unit FROM fleet.health_readings WHERE unit = ANY ($1) ORDER BY unit COLLATE "C"',
    [units],
  );
  return rows.map(({ unit }) => unit);
}
