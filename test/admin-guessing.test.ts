import { once } from 'node:events';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';
import { atScale } from './support/scale.js';

const CONNECTIONS = atScale(40, 200);
const PIPELINED = 25;

let muster: Muster;
let admin: Admin;
let behindProxy: Admin;

beforeAll(async () => {
  muster = await startMuster({ workers: 0 });
  admin = await startAdmin(muster);
  behindProxy = await startAdmin(muster, { TRUSTED_PROXIES: '127.0.0.0/8, ::1' });
});

afterAll(async () => {
  await behindProxy.stop();
  await admin.stop();
  await muster.stop();
});

test('parallel guesses over many connections do not lock out a valid token from the same address, and cause almost no queries', async () => {
  const valid = await admin.tokenFor('known', ['operations:read']);
  const before = await scansOfTokens();
  const floods = Array.from({ length: CONNECTIONS }, (_, at) => guess(at));
  let isOver = false;
  const flood = Promise.all(floods).finally(() => (isOver = true));
  const admitted: number[] = [];
  for (let tries = 0; !isOver || tries < 5; tries += 1) {
    // One token that is cached, and one that was just created elsewhere.
    const fresh = await admin.tokenFor(`fresh-${tries}`, ['operations:read']);
    for (const token of [valid, fresh]) {
      const headers = { authorization: `Bearer ${token}` };
      admitted.push((await admin.ask('GET', '/v1/queue', undefined, headers)).status);
    }
  }
  const statuses = (await flood).flat();
  expect(statuses).toHaveLength(CONNECTIONS * PIPELINED);
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(10);
  expect(new Set(admitted)).toEqual(new Set([200]));
  expect((await scansOfTokens()) - before).toBeLessThan((CONNECTIONS * PIPELINED) / 2);
  expect(admin.app.log.match(/invalid tokens rejected/g)).toHaveLength(1);
});

test('a guess over the limit gets a Retry-After header', async () => {
  const headers = { authorization: 'Bearer wrong' };
  for (let tries = 0; tries < 11; tries += 1)
    await admin.ask('GET', '/v1/queue', undefined, headers);
  const {
    status,
    json,
    headers: answered,
  } = await admin.ask('GET', '/v1/queue', undefined, headers);
  expect([status, json.code]).toEqual([429, 'too_many_attempts']);
  expect(Number(answered['retry-after'])).toBeGreaterThan(0);
  expect(Number(answered['retry-after'])).toBeLessThanOrEqual(60);
});

test('guesses are counted by the client address that a trusted proxy forwards', async () => {
  const ask = async (address: string, token = 'wrong') => {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': address };
    return (await behindProxy.ask('GET', '/v1/queue', undefined, headers)).status;
  };
  for (let tries = 0; tries < 10; tries += 1) expect(await ask('203.0.113.1')).toBe(401);
  expect(await ask('203.0.113.1')).toBe(429);
  // A value sent by the client comes before the one that the proxy adds, and is not trusted.
  expect(await ask('198.51.100.9, 203.0.113.1')).toBe(429);
  expect(await ask('203.0.113.2')).toBe(401);
  expect(await ask('203.0.113.1', behindProxy.token)).toBe(200);
});

test('without a trusted proxy, a client cannot choose the address that its guesses are counted by', async () => {
  await admin.app.stop().then(() => admin.app.start());
  const statuses: number[] = [];
  for (let tries = 0; tries < 12; tries += 1) {
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': `203.0.113.${tries}` };
    statuses.push((await admin.ask('GET', '/v1/queue', undefined, headers)).status);
  }
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
});

test('a token that is revoked in the database is refused immediately on every replica', async () => {
  for (const replica of [admin, behindProxy]) {
    const headers = { authorization: `Bearer ${await admin.tokenFor('brief')}` };
    expect((await replica.ask('GET', '/v1/queue', undefined, headers)).status).toBe(200);
    await muster.owner(`UPDATE admin_token SET revoked_at = now() WHERE name = 'brief'`);
    expect((await replica.ask('GET', '/v1/queue', undefined, headers)).status).not.toBe(200);
  }
});

/** Sends guesses over one connection without waiting for responses. @returns the statuses */
async function guess(connection: number): Promise<number[]> {
  const socket = connect({ host: 'localhost', port: admin.app.ready.port, ca: muster.ca });
  await once(socket, 'secureConnect');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  for (let at = 0; at < PIPELINED; at += 1) {
    socket.write(
      `GET /v1/queue HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer mat_${connection}_${at}\r\n\r\n`,
    );
  }
  const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, it]) => Number(it));
  await vi.waitFor(() => expect(statuses()).toHaveLength(PIPELINED), 25_000);
  socket.destroy();
  return statuses();
}

/** Number of scans of the token table. */
async function scansOfTokens(): Promise<number> {
  // Postgres connections report their statistics within a second.
  await sleep(1500);
  const [row] = await muster.owner(
    `SELECT (coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::int AS scans
       FROM pg_stat_user_tables WHERE relname = 'admin_token'`,
  );
  return row?.scans as number;
}
