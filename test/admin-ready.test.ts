import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';
import { startRedis, type PrivateRedis } from './support/redis.js';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

let redis: PrivateRedis;
let muster: Muster;
let admin: Admin;

beforeAll(async () => {
  redis = await startRedis();
  muster = await startMuster({ redisUrl: redis.url, workers: 0 });
  admin = await startAdmin(muster);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
  await redis.stop();
});

const ready = async (of: Admin = admin) => {
  const { status, json } = await of.ask('GET', '/health/ready');
  return { status, json };
};

test('the admin API with Postgres and Redis is ready', async () => {
  expect(await ready()).toEqual({ status: 200, json: { status: 'ok' } });
});

test('the admin API without Postgres is not ready, names Postgres, and recovers when Postgres is back', async () => {
  await allowConnections(false);
  expect(await ready()).toEqual({
    ...{ status: 503, json: { status: 'unavailable', failing: ['postgres'] } },
  });
  expect((await admin.ask('GET', '/health/live')).status).toBe(200);
  const { status, json } = await admin.ask('GET', '/v1/erasures');
  expect([status, json.code]).toEqual([503, 'unavailable']);
  await allowConnections(true);
  await vi.waitFor(async () => expect((await ready()).status).toBe(200), 10_000);
});

test('the admin API stays ready while Redis hangs, and names Redis', async () => {
  redis.pause();
  expect(await ready()).toEqual({ status: 200, json: { status: 'ok', failing: ['redis'] } });
  redis.resume();
  await vi.waitFor(async () => expect((await ready()).json).toEqual({ status: 'ok' }), 10_000);
});

test('a Postgres that accepts connections but never responds is detected in less than a second', async () => {
  const silent = await startSilentServer();
  const url = new URL(muster.appUrl);
  url.hostname = '127.0.0.1';
  url.port = String((silent.address() as AddressInfo).port);
  const alone = await startAdmin(muster, { DATABASE_URL: url.href });
  try {
    const start = performance.now();
    const probes = await Promise.all(Array.from({ length: 20 }, () => ready(alone)));
    const tookMs = performance.now() - start;
    for (const probe of probes) {
      expect(probe).toMatchObject({ status: 503, json: { failing: ['postgres'] } });
    }
    // The limit is 0.8 s. The client's own timeouts would take 5 s.
    expect(tookMs).toBeLessThan(4000);
  } finally {
    await alone.stop();
    for (const socket of silent.open) socket.destroy();
    silent.close();
  }
});

/** A server that reads its input and never responds. */
async function startSilentServer(): Promise<Server & { open: Set<Socket> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.resume());
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, { open });
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
