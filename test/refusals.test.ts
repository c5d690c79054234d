import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startAdmin, type Admin } from './support/admin.js';
import { startMuster, type Muster } from './support/muster.js';

/** Ingest announces its refusals every 5 seconds, so everything is refused before any test looks. */
const WITHIN = { timeout: 25_000, interval: 250 };
const MANY_KEYS = 600;
const UNKNOWN_KEY = 'wk_of_somebody_else';

let muster: Muster;
let admin: Admin;
let ended: string;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true, ingestEnv: { MAX_EVENT_BYTES: '2048' } });
  admin = await startAdmin(muster);
  await useWrongKey();
  ended = await useEndedKey();
  await muster.post('/v1/batch', '{"batch":', { headers: bearer('wk_dcos') });
  await sendLargeEvents();
  await sendElsewhere();
  await useManyKeys();
  await vi.waitFor(async () => expect(await ofManyKeys()).toBe(MANY_KEYS), WITHIN);
});

afterAll(async () => {
  await admin.stop();
  await muster.stop();
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const hintOf = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 8);
const event = (extra = {}) => {
  return {
    installationId: randomUUID(),
    product: 'dcos',
    event: 'health',
    properties: {},
    ...extra,
  };
};

async function useWrongKey() {
  const headers = { 'user-agent': 'analytics-python/2.3.1', ...bearer(UNKNOWN_KEY) };
  for (let sent = 0; sent < 3; sent += 1) {
    expect((await muster.post('/v1/batch', { batch: [] }, { headers })).status).toBe(401);
  }
  const inBody = { writeKey: UNKNOWN_KEY, event: 'health' };
  expect((await muster.post('/v1/track', inBody)).status).toBe(401);
}

/** @returns a key that was valid and has been revoked */
async function useEndedKey(): Promise<string> {
  const body = { product: 'resoto', name: 'for a test' };
  const { key, secret } = (await admin.ask('POST', '/v1/keys', body)).json as {
    key: { id: string };
    secret: string;
  };
  const use = () =>
    muster.post('/v1/events', event({ product: 'resoto' }), { headers: bearer(secret) });
  await vi.waitFor(async () => expect((await use()).status).toBe(202), WITHIN);
  await admin.ask('DELETE', `/v1/keys/${key.id}`);
  await vi.waitFor(async () => expect((await use()).status).toBe(401), WITHIN);
  return secret;
}

async function sendLargeEvents() {
  const large = event({ properties: { padding: 'x'.repeat(3000) } });
  const headers = bearer('wk_dcos');
  expect((await muster.post('/v1/events', [event(), large], { headers })).status).toBe(202);
  expect((await muster.post('/v1/events', [large, large], { headers })).status).toBe(413);
}

async function sendElsewhere() {
  const path = `/somewhere/${randomUUID()}`;
  expect((await muster.post(path, {}, { headers: bearer('wk_dcos') })).status).toBe(404);
  const socket = connect(Number(new URL(muster.ingestUrl).port), 'localhost');
  socket.on('error', () => undefined);
  socket.end('GET / HTTP/1.1\r\n\r\n');
  await once(socket, 'close');
}

async function useManyKeys() {
  for (let round = 0; round < MANY_KEYS; round += 50) {
    const keys = Array.from({ length: 50 }, () => `wk_${randomUUID()}`);
    await Promise.all(
      keys.map((key) => muster.post('/v1/import', { batch: [] }, { headers: bearer(key) })),
    );
  }
}

async function ofManyKeys(): Promise<number> {
  const rows = (await refusals('unauthorized')).filter(({ route }) => route === '/v1/import');
  return rows.reduce((sum, { requests }) => sum + Number(requests), 0);
}

test('refusals of a wrong key are counted by route and client library', async () => {
  const ofWrongKey = (await refusals('unauthorized')).filter(({ route }) =>
    ['/v1/batch', '/v1/track'].includes(route),
  );
  expect(ofWrongKey).toHaveLength(2);
  const [batch, track] = ofWrongKey;
  expect(batch).toMatchObject({
    ...{ product: null, route: '/v1/batch', dialect: 'segment', agent: 'analytics-python/2.3.1' },
    ...{ key_hint: expect.stringMatching(/^unknown-[0-9a-f]{8}$/), requests: 3, events: 0 },
  });
  expect(track).toMatchObject({ route: '/v1/track', key_hint: batch!.key_hint, agent: 'none' });
  expect(batch!.key_hint).not.toContain(hintOf(UNKNOWN_KEY));
});

test('refusals of known keys have their product, even if the key has been revoked', async () => {
  expect(await refusals('unauthorized')).toContainEqual(
    expect.objectContaining({ product: 'resoto', key_hint: `ended-${hintOf(ended)}` }),
  );
  expect(await refusals('invalid_json')).toMatchObject([
    { product: 'dcos', route: '/v1/batch', key_hint: `known-${hintOf('wk_dcos')}`, requests: 1 },
  ]);
});

test('refused events are counted, whether or not the whole request is refused', async () => {
  expect(await refusals('event_too_large')).toMatchObject([
    { product: 'dcos', route: '/v1/events', dialect: 'native', requests: 1, events: 3 },
  ]);
});

test('requests to unknown paths and connections that never become requests are counted', async () => {
  expect(await refusals('not_found')).toMatchObject([{ route: 'none', dialect: 'none' }]);
  expect(await refusals('tls_handshake')).toMatchObject([{ route: 'none', requests: 1 }]);
});

test('the number of refusal groups per hour is bounded, and the excess is counted as other', async () => {
  const rows = (await refusals('unauthorized')).filter(({ route }) => route === '/v1/import');
  expect(rows.length).toBeLessThanOrEqual(501);
  expect(rows).toContainEqual(expect.objectContaining({ key_hint: 'other', agent: 'other' }));
});

test('a stopping ingest logs its refusals by kind, and neither logs nor tables contain a key', async () => {
  await muster.ingest.stop();
  const lines = muster.ingest.log
    .split('\n')
    .filter((line) => line.includes('requests or events rejected'))
    .map((line) => JSON.parse(line) as { code: string; product?: string });
  const kinds = lines.map(({ code, product }) => `${code} ${product ?? ''}`);
  expect(kinds).toContain('event_too_large dcos');
  const first = lines.filter(({ code }) => code === 'unauthorized');
  expect(first.length).toBeLessThan(20);
  const stored = JSON.stringify(await muster.owner('SELECT * FROM ingest_refusal'));
  for (const text of [muster.ingest.log, stored]) {
    expect(text).not.toContain(UNKNOWN_KEY);
    expect(text).not.toContain('somewhere');
  }
});

interface Row extends Record<string, unknown> {
  key_hint: string;
  route: string;
}

async function refusals(code: string): Promise<Row[]> {
  const rows = await muster.analyst(
    `SELECT product, route, dialect, key_hint, agent, requests::int, events::int
       FROM refusals WHERE code = $1 ORDER BY route, key_hint`,
    [code],
  );
  return rows as Row[];
}
