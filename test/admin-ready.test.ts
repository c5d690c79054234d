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
  const { certificate, ...rest } = json;
  return { status, json: rest, certificate };
};
const VALID = {
  state: 'valid',
  notBefore: expect.stringMatching(/^\d{4}-/),
  notAfter: expect.stringMatching(/^\d{4}-/),
  daysLeft: expect.any(Number),
};

test('the admin API with Postgres and Redis is ready, and reports its certificate', async () => {
  expect(await ready()).toEqual({ status: 200, json: { status: 'ok' }, certificate: VALID });
});

test('a statement that is cancelled gets 503 with the reason, not an internal error', async () => {
  const other = new pg.Client({ connectionString: muster.databaseUrl });
  await other.connect();
  try {
    await other.query('BEGIN; SELECT FROM policy_revision FOR UPDATE');
    const refused = admin.ask('POST', '/v1/keys', { product: 'dcos' });
    await untilWaiting();
    // As statement_timeout does after 30 s.
    await muster.owner(`SELECT pg_cancel_backend(pid) FROM (${WAITING}) AS waiting`);
    expect(await refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      json: { code: 'unavailable', message: expect.stringContaining('took too long') },
    });
  } finally {
    await other.end();
  }
});

test('a stopping admin API reports that it drains, finishes requests and then stops', async () => {
  const stopping = await startAdmin(muster, { DRAIN_MS: '1500' });
  const other = new pg.Client({ connectionString: muster.databaseUrl });
  await other.connect();
  try {
    await other.query('BEGIN; SELECT FROM policy_revision FOR UPDATE');
    const created = stopping.ask('POST', '/v1/keys', { product: 'dcos' });
    await untilWaiting();
    const stopped = stopping.app.stop();
    await vi.waitFor(async () => {
      expect(await ready(stopping)).toMatchObject({ status: 503, json: { reason: 'draining' } });
    }, 1200);
    await vi.waitFor(() => expect(ready(stopping)).rejects.toThrow('ECONNREFUSED'), 5000);
    await other.query('COMMIT');
    const { status, json } = await created;
    expect([status, json.secret]).toEqual([201, expect.stringMatching(/^wk_dcos_/)]);
    await stopped;
  } finally {
    await other.end();
    await stopping.stop();
  }
});

test('the admin API without Postgres is not ready, names Postgres, and recovers when Postgres is back', async () => {
  await allowConnections(false);
  expect(await ready()).toMatchObject({
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
  expect(await ready()).toMatchObject({ status: 200, json: { status: 'ok', failing: ['redis'] } });
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

/** The sessions of this file's database that wait for a lock. */
const WAITING = `
  SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

async function untilWaiting(): Promise<void> {
  await vi.waitFor(async () => expect(await muster.owner(WAITING)).toHaveLength(1), 5000);
}

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
