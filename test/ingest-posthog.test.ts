import { randomUUID } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { balanceOf } from './support/balance.js';
import { HttpsClient } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';
import { emptyTables, readTables } from './support/tables.js';

type Headers = Record<string, string>;

const KEY = { api_key: 'wk_resoto' };
const BEARER = { authorization: 'Bearer wk_resoto' };
/** The only response that PostHog's clients treat as success. */
const OK = { status: 200, text: '{"status":"Ok"}' };

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
});

afterAll(() => muster.stop());

beforeEach(async () => {
  await muster.drained();
  await emptyTables(muster.owner);
});

/** An event as PostHog's clients send it. Each test uses its own installation. */
function capture(distinct_id: string, more: object = {}) {
  return { event: 'model.info', distinct_id, properties: { model_count: 3 }, ...more };
}

async function send(path: string, body: string | Buffer | object, headers: Headers = {}) {
  const { status, text } = await muster.post(path, body, { headers });
  return { status, text };
}

async function fail(path: string, body: string | Buffer | object, headers: Headers = {}) {
  const { status, json, headers: said } = await muster.post(path, body, { headers });
  expect(said['content-type']).toMatch(/^application\/json/);
  return { status, json };
}

/** Names of the stored events of an installation, sorted. */
async function storedOf(installationId: string): Promise<string[]> {
  await muster.drained();
  const rows = await muster.analyst(
    'SELECT event FROM fleet.usage_events WHERE installation_id = $1 ORDER BY event',
    [installationId],
  );
  return rows.map(({ event }) => event);
}

async function balance() {
  await muster.drained();
  return balanceOf(muster.analyst, 'resoto');
}

function quarantined() {
  return muster.analyst(
    `SELECT installation_id, event, reason, path, keys, event_count::int AS count
       FROM fleet.quarantined_events ORDER BY reason, keys`,
  );
}

describe('a call to', () => {
  const routes = ['/batch', '/capture', '/e', '/i/v0/e', '/track'];

  test.each(routes.flatMap((route) => [route, `${route}/`]))(
    '%s accepts an event, an array of events or a batch, and responds with exactly 200 and {"status":"Ok"}',
    async (path) => {
      const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()];
      const list = [capture(two, KEY), capture(two, { event: 'user.created' })];
      const batch = [capture(three), capture(three, { event: 'user.created' })];
      expect(await send(path, capture(one, KEY))).toEqual(OK);
      expect(await send(path, list)).toEqual(OK);
      expect(await send(path, { ...KEY, batch })).toEqual(OK);
      expect(await storedOf(one)).toEqual(['model.info']);
      expect(await storedOf(two)).toEqual(['model.info', 'user.created']);
      expect(await storedOf(three)).toEqual(['model.info', 'user.created']);
    },
  );

  test.each(['/flags', '/flags/', '/flags/?v=2&config=true', '/decide', '/decide/?v=3'])(
    '%s responds that no feature flag is on',
    async (path) => {
      for (const key of [KEY, { token: 'wk_nobody' }, {}]) {
        const { status, json } = await muster.post(path, { ...key, distinct_id: randomUUID() });
        expect(status).toBe(200);
        expect(json).toMatchObject({
          ...{ flags: {}, featureFlags: {}, featureFlagPayloads: {} },
          ...{ errorsWhileComputingFlags: false, sessionRecording: false },
        });
      }
      expect(await balance()).toMatchObject({ accepted: 0 });
    },
  );
});

describe('the project key', () => {
  const id = '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11';
  const inProperties = { properties: { token: 'wk_resoto', model_count: 3 } };

  test.each([
    ['as api_key', capture(id, KEY), {}],
    ['as token', capture(id, { token: 'wk_resoto' }), {}],
    ['as $token', capture(id, { $token: 'wk_resoto' }), {}],
    ['as token in the properties', capture(id, inProperties), {}],
    ['as token in a list’s first event', [capture(id, inProperties)], {}],
    ['as api_key next to a batch', { ...KEY, batch: [capture(id)] }, {}],
    ['as token next to a batch', { token: 'wk_resoto', batch: [capture(id)] }, {}],
    ['as bearer token', capture(id), BEARER],
    ['as bearer token, which overrides the body', capture(id, { api_key: 'wk_nobody' }), BEARER],
  ])('is accepted %s, and never stored', async (_, body, headers: Headers) => {
    expect(await send('/capture', body, headers)).toEqual(OK);
    expect(await storedOf(id)).toEqual(['model.info']);
    expect(JSON.stringify(await readTables(muster.owner))).not.toMatch(/wk_|token/);
  });

  test.each([
    ['missing', {}, {}],
    ['unknown', { api_key: 'wk_nobody' }, {}],
    ['unknown as bearer token', KEY, { authorization: 'Bearer wk_nobody' }],
    ['not a string', { api_key: ['wk_resoto'] }, {}],
    ['empty', { api_key: '' }, {}],
    ['the name of a built-in property', { api_key: 'constructor' }, {}],
  ])(
    'that is %s gets 401 with a detail, and nothing is stored',
    async (_, key, headers: Headers) => {
      const refused = await fail('/batch/', { ...key, batch: [capture(id)] }, headers);
      const detail = expect.stringMatching(/^[A-Z].*key.*\.$/);
      expect(refused).toEqual({
        status: 401,
        json: { success: false, code: 'unauthorized', message: detail, detail },
      });
      expect(await balance()).toMatchObject({ accepted: 0 });
    },
  );
});

describe('a body', () => {
  const json = (id: string) => JSON.stringify({ ...KEY, batch: [capture(id)] });
  const plain = (text: string) => Buffer.from(text);
  const encoded = (encoding: string) => ({ 'content-encoding': encoding });
  const base64 = (id: string) => Buffer.from(json(id)).toString('base64');
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

  test.each([
    ['gzip, declared in the header', '/batch/', gzipSync, encoded('gzip')],
    ['gzip, declared in the query', '/e/?compression=gzip', gzipSync, {}],
    ['gzip, declared in the query as browsers do', '/e/?compression=gzip-js', gzipSync, {}],
    ['gzip, detected by its first bytes', '/e', gzipSync, { 'content-type': 'text/plain' }],
    ['gzip, by both', '/e/?compression=gzip-js', gzipSync, encoded('gzip')],
    ['plain, although the header declares gzip', '/batch', plain, encoded('gzip')],
    ['plain, although the query declares gzip', '/e?compression=gzip-js', plain, {}],
    ['deflate, declared in the header', '/batch', deflateSync, encoded('deflate')],
    ['br, declared in the header', '/batch', brotliCompressSync, encoded('br')],
  ])('may be compressed: %s', async (_, path, compress: (text: string) => Buffer, headers) => {
    const id = randomUUID();
    expect(await send(path, compress(json(id)), headers as Headers)).toEqual(OK);
    expect(await storedOf(id)).toEqual(['model.info']);
  });

  test.each([
    ['base64 in a form', (id: string) => `data=${encodeURIComponent(base64(id))}`],
    ['base64 in a form without percent-encoding', (id: string) => `data=${base64(id)}`],
    [
      'base64 in a form with other fields',
      (id: string) => `data=${base64(id)}&compression=base64&ip=1`,
    ],
    ['base64 alone', base64],
    ['base64 for addresses', (id: string) => Buffer.from(json(id)).toString('base64url')],
    ['JSON in a form', (id: string) => `data=${encodeURIComponent(json(id))}`],
    ['JSON with blanks in a form', (id: string) => new URLSearchParams({ data: `  ${json(id)}` })],
    ['JSON alone', json],
    ['a gzipped form', (id: string) => gzipSync(`data=${encodeURIComponent(base64(id))}`)],
  ])('may be %s, with any content type', async (_, write) => {
    for (const headers of [FORM, { 'content-type': 'text/plain' }, {}]) {
      const id = randomUUID();
      const body = write(id);
      const bytes = Buffer.isBuffer(body) ? body : body.toString();
      expect(await send('/e/?ver=1.2&_=1763702776', bytes, headers as Headers)).toEqual(OK);
      expect(await storedOf(id)).toEqual(['model.info']);
    }
  });

  test.each([
    ['truncated JSON', '{"batch":[', 400, 'invalid_json'],
    ['base64 that is not JSON', 'data=aGVsbG8=', 400, 'invalid_json'],
    ['a form without data', 'event=model.info', 400, 'invalid_json'],
    ['nothing', '', 400, 'invalid_json'],
    ['null', 'null', 400, 'invalid_body'],
    ['a number', '4711', 400, 'invalid_body'],
    ['a text', '"model.info"', 400, 'invalid_body'],
    ['a batch that is not a list', '{"batch":"text"}', 400, 'invalid_body'],
    ['truncated gzip', gzipSync('{}').subarray(0, 15), 400, 'invalid_encoding'],
    ['JSON that is nested too deeply', '['.repeat(1000), 413, 'too_deep'],
    ['too many bytes', ' '.repeat(2_097_153), 413, 'body_too_large'],
    ['too many events', `[${'{},'.repeat(2500)}{}]`, 413, 'too_many_events'],
  ])('of %s is refused with a detail', async (_, body, status, code) => {
    const refused = await fail('/batch/', body, BEARER);
    const detail = expect.stringMatching(/^[A-Z`].*\.$/);
    expect(refused).toEqual({ status, json: { success: false, code, message: detail, detail } });
    expect(await balance()).toMatchObject({ accepted: 0 });
  });

  test('with the key inside may be up to 5 MiB when decompressed', async () => {
    const limit = 5 * 1024 * 1024;
    const bodyOf = (bytes: number) => gzipSync(JSON.stringify({ ...KEY, batch: [] }).padEnd(bytes));
    expect(await send('/batch/', bodyOf(limit), encoded('gzip'))).toEqual(OK);
    const refused = await fail('/batch/', bodyOf(limit + 1), encoded('gzip'));
    expect(refused).toMatchObject({ status: 413, json: { code: 'inflated_too_large' } });
    expect(await send('/batch/', bodyOf(limit + 1), BEARER)).toEqual(OK);
  });
});

describe('a batch', () => {
  test.each(['{"batch":[]}', '{"batch":null}', '[]'])(
    'without an event, %s, gets 200 and is counted as empty',
    async (body) => {
      expect(await send('/batch/', body, BEARER)).toEqual(OK);
      expect(await balance()).toMatchObject({ accepted: 1, empty: 1 });
    },
  );

  test('with invalid items stores the valid ones, and keeps reason and keys of the others', async () => {
    const id = randomUUID();
    const large = capture(id, { properties: { padding: 'x'.repeat(1_100_000) } });
    const batch = [capture(id), 7, null, [capture(id)], large, { event: 'model.info' }];
    expect(await send('/batch/', { ...KEY, batch })).toEqual(OK);
    expect(await storedOf(id)).toEqual(['model.info']);
    expect(await balance()).toMatchObject({ accepted: 6, stored: 1, quarantined: 5 });
    const of = { installation_id: null, event: null };
    expect(await quarantined()).toEqual([
      {
        ...{ installation_id: id, event: 'model.info', reason: 'event_too_large', path: '' },
        ...{ keys: null, count: 1 },
      },
      { ...of, reason: 'installation_id_missing', path: 'distinct_id', keys: [], count: 1 },
      { ...of, reason: 'not_an_event', path: 'batch[]', keys: [], count: 3 },
    ]);
  });
});

describe('an event', () => {
  const timestamp = '2026-11-21T05:34:13.210701+00:00';

  test.each(['sentAt', 'sent_at'])(
    'without an id, sent again with a later %s, is a duplicate',
    async (name) => {
      const id = randomUUID();
      const properties = { model_count: 3, $lib: 'posthog-python' };
      const batch = [capture(id, { timestamp, properties })];
      for (const second of [14, 15, 16]) {
        const sentAt = `2026-11-21T05:34:${second}.711233+00:00`;
        expect(await send('/batch/', { ...KEY, batch, [name]: sentAt })).toEqual(OK);
      }
      expect(await storedOf(id)).toHaveLength(1);
      expect(await balance()).toMatchObject({ accepted: 3, stored: 1, duplicate: 2 });
    },
  );

  test.each([
    ['at another time', { timestamp: '2026-11-21T05:34:13.210702+00:00' }],
    ['with another property', { timestamp, properties: { model_count: 4 } }],
    ['with one more property', { timestamp, properties: { model_count: 3, active: true } }],
    ['with another name', { timestamp, event: 'model.changed' }],
  ])('%s is not a duplicate', async (_, more) => {
    const id = randomUUID();
    await send('/batch/', { ...KEY, batch: [capture(id, { timestamp }), capture(id, more)] });
    expect(await storedOf(id)).toHaveLength(2);
    expect(await balance()).toMatchObject({ stored: 2, duplicate: 0 });
  });

  test('with a uuid is a duplicate if the uuid is the same, whatever its content', async () => {
    const id = randomUUID();
    const [uuid, other] = [randomUUID(), randomUUID()];
    const later = '2026-11-21T05:35:00Z';
    await send('/e', capture(id, { ...KEY, uuid, timestamp }));
    await send('/e', capture(id, { ...KEY, uuid, timestamp: later, properties: { active: 1 } }));
    await send('/e', capture(id, { ...KEY, uuid: other, timestamp }));
    expect(await storedOf(id)).toHaveLength(2);
    expect(await balance()).toMatchObject({ stored: 2, duplicate: 1 });
  });

  test('with an undeclared name is a usage event, with its numbers as counters', async () => {
    const id = randomUUID();
    const properties = {
      ...{ clicks: 2, ratio: 0.5, enabled: true, by_type: { table: 3, graph: 1 } },
      ...{ page: '/inventory?q=alice', account_id: 4711, $screen_height: 900, nothing: null },
      ...{ constructor: 1, toString: 2, version: '3.9.0' },
    };
    await send('/e', capture(id, { ...KEY, event: 'ui.page-view', properties }));
    await muster.drained();
    const rows = await muster.analyst(
      'SELECT event, outcome, product_version, counters FROM fleet.usage_events',
    );
    expect(rows).toEqual([
      {
        ...{ event: 'ui.page-view', outcome: null, product_version: '3.9.0' },
        counters: {
          ...{ clicks: 2, ratio: 0.5, enabled: 1, by_type: { table: 3, graph: 1 } },
          ...{ constructor: 1, toString: 2 },
        },
      },
    ]);
    const dropped = await muster.analyst('SELECT key FROM fleet.dropped_properties');
    expect(dropped).toEqual(expect.arrayContaining([{ key: 'account_id' }, { key: 'page' }]));
  });

  test('with an e-mail address as installation is quarantined without the address', async () => {
    const properties = { $set: { email: 'alice@example.com' }, plan: 'alice@example.com' };
    const event = capture('alice@example.com', { ...KEY, properties });
    expect(await send('/e', event)).toEqual(OK);
    expect(await balance()).toMatchObject({ accepted: 1, quarantined: 1 });
    expect(await quarantined()).toEqual([
      {
        ...{ installation_id: null, event: null, reason: 'installation_id_invalid' },
        ...{ path: 'distinct_id', keys: ['$set', 'plan'], count: 1 },
      },
    ]);
    expect(JSON.stringify(await readTables(muster.owner))).not.toMatch(/alice/i);
  });

  test('with an invalid name is quarantined with only the length of the name', async () => {
    const id = randomUUID();
    const event = 'Alice Liddell opened https://example.com/?q=rabbit';
    expect(await send('/e', capture(id, { ...KEY, event }))).toEqual(OK);
    expect(await balance()).toMatchObject({ accepted: 1, quarantined: 1 });
    expect(await quarantined()).toEqual([
      {
        ...{ installation_id: id, event: `[${event.length}]`, reason: 'unknown_event' },
        ...{ path: 'event', keys: null, count: 1 },
      },
    ]);
    expect(JSON.stringify(await readTables(muster.owner))).not.toMatch(/alice|rabbit/i);
  });
});

describe('the time of an event', () => {
  const hence = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

  async function agesOf(body: object, path = '/batch/', headers: Headers = {}) {
    const { status } = await muster.post(path, body, { headers });
    expect(status).toBe(200);
    await muster.drained();
    return muster.analyst(
      `SELECT clock, round(extract(epoch FROM received_at - observed_at))::int AS age_s
         FROM fleet.reports ORDER BY age_s`,
    );
  }

  test.each(['sentAt', 'sent_at'])(
    'is corrected by %s if the agent’s clock is wrong',
    async (name) => {
      const batch = [
        capture(randomUUID(), { timestamp: '2026-01-01T00:00:00.123456+00:00' }),
        capture(randomUUID(), { timestamp: 'yesterday' }),
      ];
      const sent = '2026-01-01T00:10:00.123456+00:00';
      expect(await agesOf({ ...KEY, batch, [name]: sent })).toEqual([
        { clock: 'received', age_s: 0 },
        { clock: 'corrected', age_s: 600 },
      ]);
    },
  );

  test('is the agent’s time if its clock is right', async () => {
    const batch = [capture(randomUUID(), { timestamp: hence(-300) })];
    expect(await agesOf({ ...KEY, batch, sent_at: hence(-1) })).toEqual([
      { clock: 'agent', age_s: 300 },
    ]);
  });

  test('may be an offset in milliseconds, which does not depend on the agent’s clock', async () => {
    const batch = [capture(randomUUID(), { offset: 90_000 })];
    expect(await agesOf({ ...KEY, batch })).toEqual([{ clock: 'agent', age_s: 90 }]);
    await emptyTables(muster.owner);
    expect(await agesOf({ ...KEY, batch, sent_at: '2026-01-01T00:00:00Z' })).toEqual([
      { clock: 'agent', age_s: 90 },
    ]);
  });

  test('is the receive time if the offset is invalid', async () => {
    const event = capture(randomUUID(), { ...KEY, offset: -1 });
    expect(await agesOf(event)).toEqual([{ clock: 'received', age_s: 0 }]);
  });

  test('is corrected by the header PostHog-Request-Timestamp in mode v1', async () => {
    const timestamp = '2026-01-01T00:00:00.000Z';
    const batch = [capture(randomUUID(), { uuid: randomUUID(), timestamp })];
    const headers = { ...BEARER, 'posthog-request-timestamp': '2026-01-01T00:10:00.000Z' };
    const created_at = '2026-01-01T00:00:30.000Z';
    expect(await agesOf({ created_at, batch }, '/i/v1/analytics/events', headers)).toEqual([
      { clock: 'corrected', age_s: 600 },
    ]);
  });
});

describe('/i/v1/analytics/events', () => {
  const path = '/i/v1/analytics/events';
  const created_at = '2026-11-21T05:34:13.000Z';

  test('reports for each uuid whether the event was accepted', async () => {
    const id = randomUUID();
    const [ok, odd, large] = [randomUUID(), randomUUID(), randomUUID()];
    const padding = { padding: 'x'.repeat(1_100_000) };
    const batch = [
      capture(id, { uuid: ok }),
      capture('alice@example.com', { uuid: odd }),
      capture(id, { uuid: large, properties: padding }),
      capture(id, { uuid: ['no text'] }),
      'no event',
    ];
    const { status, json } = await muster.post(path, { created_at, batch }, { headers: BEARER });
    expect({ status, json }).toEqual({
      status: 200,
      json: {
        results: {
          [ok]: { result: 'ok' },
          [odd]: { result: 'warning', details: 'installation_id_invalid' },
          [large]: { result: 'drop', details: 'event_too_large' },
        },
      },
    });
    expect(await storedOf(id)).toEqual(['model.info', 'model.info']);
    // An event that is too large is reported to the client and quarantined.
    expect(await balance()).toMatchObject({ accepted: 5, stored: 2, quarantined: 3 });
  });

  test('detects an event that is sent again as a duplicate, and reports it as accepted', async () => {
    const id = randomUUID();
    const uuid = randomUUID();
    const batch = [capture(id, { uuid, timestamp: created_at })];
    for (const attempt of ['1', '2']) {
      const headers = { ...BEARER, 'posthog-attempt': attempt };
      const { json } = await muster.post(path, { created_at, batch }, { headers });
      expect(json).toEqual({ results: { [uuid]: { result: 'ok' } } });
    }
    expect(await storedOf(id)).toHaveLength(1);
    expect(await balance()).toMatchObject({ accepted: 2, stored: 1, duplicate: 1 });
  });

  test('returns no results for an empty batch, and accepts the key only in the header', async () => {
    const { status, json } = await muster.post(path, { batch: [] }, { headers: BEARER });
    expect({ status, json }).toEqual({ status: 200, json: { results: {} } });
    const refused = await fail(path, { ...KEY, batch: [capture(randomUUID())] });
    expect(refused).toMatchObject({ status: 401, json: { detail: expect.any(String) } });
    expect(await balance()).toMatchObject({ accepted: 0 });
  });
});

test('a browser may send to /e from any page and read the response', async () => {
  const { send: ask } = new HttpsClient(muster.ingestUrl, muster.ca);
  const origin = 'https://ui.example.com';
  const preflight = await ask('OPTIONS', '/e/?ip=1&_=1763702776&compression=gzip-js', {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': origin,
    'access-control-allow-methods': expect.stringContaining('POST'),
    'access-control-allow-headers': 'content-type',
  });
  for (const body of [JSON.stringify(capture(randomUUID(), KEY)), '{']) {
    const { headers } = await ask('POST', '/e/?ip=1', { origin }, body);
    expect(headers['access-control-allow-origin']).toBe(origin);
  }
  expect(await balance()).toMatchObject({ accepted: 1 });
});
