import { randomUUID } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { balanceOf } from './support/balance.js';
import { HttpsClient } from './support/https.js';
import { startMuster, type Muster } from './support/muster.js';

type Headers = Record<string, string>;

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({
    keepAlive: true,
    ingestEnv: { CORS_ORIGINS: 'https://ui.example.com' },
  });
});

afterAll(() => muster.stop());

const KEY = { authorization: 'Bearer wk_dcos' };
const SUCCESS = { status: 200, json: { success: true } };
const UNIT = {
  'health-unit-dcos-net-service-total': 3,
  'health-unit-dcos-net-service-unhealthy': 1,
};

/** A call as a server sends it. Each test uses its own installation. */
function track(clusterId: string, more: object = {}) {
  return { type: 'track', event: 'health', properties: { clusterId, ...UNIT }, ...more };
}

async function send(path: string, body: string | Buffer | object, headers: Headers = KEY) {
  const { status, json } = await muster.post(path, body, { headers });
  return { status, json };
}

/**
 * The outcomes of an installation's events: the kind of each report, or the reason of quarantine.
 */
async function fatesOf(installationId: string): Promise<string[]> {
  await muster.drained();
  const rows = await muster.analyst(
    `SELECT kind AS fate FROM fleet.reports WHERE installation_id = $1
      UNION ALL
     SELECT reason || ' ' || event FROM fleet.quarantined_events WHERE installation_id = $1
      ORDER BY 1`,
    [installationId],
  );
  return rows.map(({ fate }) => fate);
}

describe('a call to', () => {
  const calls = [
    ...['batch', 'import'].map((route) => [route, 'health']),
    ...['track', 't'].map((route) => [route, 'health']),
    ...['identify', 'i', 'page', 'p'].map((route) => [route, 'ui']),
    ...['screen', 's'].map((route) => [route, 'unknown_event screen']),
    ...['group', 'g'].map((route) => [route, 'unknown_event group']),
    ...['alias', 'a'].map((route) => [route, 'unknown_event alias']),
  ].flatMap(([route, fate]) => [
    [`/v1/${route}`, fate],
    [`/v1/${route}/`, fate],
  ]) as [string, string][];

  test.each(calls)('%s gets exactly 200, and its event becomes: %s', async (path, fate) => {
    const id = randomUUID();
    const isBatch = /batch|import/.test(path);
    // The route determines the type of the call, not the body.
    const body = isBatch ? { batch: [track(id)] } : { ...track(id), type: undefined };
    expect(await send(path, body)).toEqual(SUCCESS);
    expect(await fatesOf(id)).toEqual([fate]);
  });
});

describe('the write key', () => {
  const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });

  test.each([
    ['as bearer token', KEY, {}],
    ['as bearer token with a lower-case scheme', { authorization: 'bearer wk_dcos' }, {}],
    ['as the user of basic authentication', basic('wk_dcos:'), {}],
    ['as the user of basic authentication with a password', basic('wk_dcos:secret'), {}],
    ['as basic authentication without a colon', basic('wk_dcos'), {}],
    ['in the body', {}, { writeKey: 'wk_dcos' }],
    ['in the header, which overrides the body', KEY, { writeKey: 'wk_nobody' }],
  ])('is accepted %s', async (_, headers: Headers, more) => {
    const [one, other] = [randomUUID(), randomUUID()];
    expect(await send('/v1/batch', { batch: [track(one)], ...more }, headers)).toEqual(SUCCESS);
    expect(await send('/v1/t', { ...track(other), ...more }, headers)).toEqual(SUCCESS);
    expect(await fatesOf(one)).toEqual(['health']);
    expect(await fatesOf(other)).toEqual(['health']);
  });

  test('determines the product', async () => {
    const id = randomUUID();
    await send('/v1/t', { ...track(id), writeKey: 'wk_octopus' }, {});
    await muster.drained();
    const rows = await muster.analyst(
      'SELECT product FROM fleet.installations WHERE installation_id = $1',
      [id],
    );
    expect(rows).toEqual([{ product: 'octopus' }]);
  });

  test.each([
    ['missing', {}, {}],
    ['unknown', { authorization: 'Bearer wk_nobody' }, {}],
    ['unknown in the header and valid in the body', basic('wk_nobody:'), { writeKey: 'wk_dcos' }],
    ['unknown in the body', {}, { writeKey: 'wk_nobody' }],
    ['not a string', {}, { writeKey: ['wk_dcos'] }],
    ['empty', {}, { writeKey: '' }],
    ['only in the event', {}, { batch: [{ writeKey: 'wk_dcos' }] }],
    ['the name of a built-in property', {}, { writeKey: 'constructor' }],
  ])(
    '%s gets 401 with the standard error body, and nothing is stored',
    async (_, headers, more) => {
      const id = randomUUID();
      const answer = await muster.post('/v1/batch', { batch: [track(id)], ...more }, { headers });
      expect(answer.status).toBe(401);
      expect(answer.json).toEqual({
        success: false,
        code: 'unauthorized',
        message: expect.stringMatching(/^[A-Z].*key.*\.$/),
        detail: answer.json.message,
      });
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="muster"');
      expect(await fatesOf(id)).toEqual([]);
    },
  );
});

describe('a body', () => {
  test('with the key inside may be up to 500 KB when decompressed', async () => {
    const encoded = { 'content-encoding': 'gzip' };
    const bodyOf = (bytes: number) => {
      const body = { writeKey: 'wk_dcos', batch: null, padding: '' };
      const padding = ' '.repeat(bytes - JSON.stringify(body).length);
      return gzipSync(JSON.stringify({ ...body, padding }));
    };
    expect(await send('/v1/batch', bodyOf(512_000), encoded)).toEqual(SUCCESS);
    const refusal = await send('/v1/batch', bodyOf(512_001), encoded);
    expect(refusal).toMatchObject({ status: 413, json: { code: 'inflated_too_large' } });
    expect(await send('/v1/batch', bodyOf(512_001), { ...encoded, ...KEY })).toEqual(SUCCESS);
  });

  test.each(['application/json', 'text/plain', 'text/plain;charset=UTF-8', 'nonsense', undefined])(
    'with the content type %s is read as JSON',
    async (type) => {
      const id = randomUUID();
      const headers = { ...KEY, ...(type && { 'content-type': type }) };
      expect(await send('/v1/t', JSON.stringify(track(id)), headers)).toEqual(SUCCESS);
      expect(await fatesOf(id)).toEqual(['health']);
    },
  );

  test.each([
    ['gzip', 'gzip', gzipSync],
    ['gzip in upper case', 'GZIP', gzipSync],
    ['gzip under its old name x-gzip', 'x-gzip', gzipSync],
    ['deflate', 'deflate', deflateSync],
    ['deflate without zlib header', 'deflate', deflateRawSync],
    ['br', 'br', brotliCompressSync],
    ['identity', 'identity', (body: Buffer) => body],
  ])('in the encoding %s is accepted', async (_, encoding, compress) => {
    const id = randomUUID();
    const body = compress(Buffer.from(JSON.stringify(track(id))));
    const headers = { ...KEY, 'content-type': 'text/plain', 'content-encoding': encoding };
    expect(await send('/v1/t', body, headers)).toEqual(SUCCESS);
    expect(await fatesOf(id)).toEqual(['health']);
  });

  test('with the key inside may be compressed', async () => {
    const id = randomUUID();
    const body = gzipSync(JSON.stringify({ ...track(id), writeKey: 'wk_dcos' }));
    expect(await send('/v1/t', body, { 'content-encoding': 'gzip' })).toEqual(SUCCESS);
    expect(await fatesOf(id)).toEqual(['health']);
  });

  test.each([
    ['an unknown encoding', 'zstd', '{}', 415, 'unsupported_encoding'],
    [
      'an encoding named like a built-in property',
      'constructor',
      '{}',
      415,
      'unsupported_encoding',
    ],
    ['two encodings', 'gzip, br', '{}', 415, 'unsupported_encoding'],
    ['invalid gzip', 'gzip', '{}', 400, 'invalid_encoding'],
    ['invalid deflate', 'deflate', 'x{}', 400, 'invalid_encoding'],
    ['invalid br', 'br', '{}', 400, 'invalid_encoding'],
    ['truncated gzip', 'gzip', gzipSync('{}'.repeat(99)).subarray(0, 20), 400, 'invalid_encoding'],
    ['truncated JSON', 'identity', '{"batch":[', 400, 'invalid_json'],
    ['a list', 'identity', '[]', 400, 'invalid_body'],
    ['null', 'identity', 'null', 400, 'invalid_body'],
    ['a batch that is not a list', 'identity', '{"batch":"text"}', 400, 'invalid_body'],
    ['an object without a batch', 'identity', '{"event":"health"}', 400, 'invalid_body'],
    ['nothing', 'identity', '', 400, 'invalid_json'],
  ])('of %s gets the standard error body', async (_, encoding, body, status, code) => {
    const answer = await send('/v1/batch', body, { ...KEY, 'content-encoding': encoding });
    const message = expect.stringMatching(/^[A-Z`].*\.$/);
    expect(answer).toEqual({ status, json: { success: false, code, message, detail: message } });
  });
});

describe('a batch', () => {
  test.each([{ batch: null }, { batch: [] }])(
    'without an event, %j, gets 200 and is counted as empty',
    async (body) => {
      const before = await balance();
      expect(await send('/v1/batch', body)).toEqual(SUCCESS);
      const { accepted, empty } = await balance();
      expect({ accepted, empty }).toEqual({
        accepted: before.accepted + 1,
        empty: before.empty + 1,
      });
    },
  );

  test('with invalid items stores the valid ones, and keeps reason, keys and count of the others', async () => {
    const [first, last] = [randomUUID(), randomUUID()];
    const before = await balance();
    await muster.owner('TRUNCATE unidentified_event');
    const error = 'open /var/lib/dcos/cluster-id: no such file or directory';
    const tooLarge = track(randomUUID());
    Object.assign(tooLarge.properties, { padding: 'x'.repeat(1_100_000) });
    const batch = [
      track(first, { messageId: 'm-1' }),
      7,
      null,
      'text',
      [track(randomUUID())],
      true,
      tooLarge,
      track(error),
      track(error),
      { type: 'track', event: 'health', anonymousId: error, properties: UNIT },
      { type: 'track', event: 'health', properties: UNIT },
      { type: 'track', event: 'health', properties: 'text' },
      track(last, { messageId: 'm-2' }),
    ];
    expect(await send('/v1/batch', { batch })).toEqual(SUCCESS);
    expect(await fatesOf(first)).toEqual(['health']);
    expect(await fatesOf(last)).toEqual(['health']);

    const after = await balance();
    expect(after).toEqual({
      ...before,
      accepted: before.accepted + batch.length,
      stored: before.stored + 2,
      quarantined: before.quarantined + batch.length - 2,
    });
    const units = Object.keys(UNIT).sort();
    expect(await unidentified()).toEqual([
      { reason: 'installation_id_invalid', path: 'anonymousId', keys: units, count: 1 },
      {
        reason: 'installation_id_invalid',
        path: 'properties.clusterId',
        keys: ['clusterId', ...units],
        count: 2,
      },
      { reason: 'installation_id_missing', path: 'properties.clusterId', keys: [], count: 1 },
      { reason: 'installation_id_missing', path: 'properties.clusterId', keys: units, count: 1 },
      { reason: 'not_an_event', path: 'batch[]', keys: [], count: 5 },
    ]);
  });

  test('with a repeated messageId, from the same or another batch, has a duplicate', async () => {
    const id = randomUUID();
    const before = await balance();
    await send('/v1/batch', { batch: [track(id, { messageId: 'm-1' })] });
    await send('/v1/batch', {
      batch: [track(id, { messageId: 'm-1' }), track(id, { messageId: 'm-2' })],
    });
    expect(await fatesOf(id)).toEqual(['health', 'health']);
    expect((await balance()).duplicate).toBe(before.duplicate + 1);
  });

  test('of an agent whose clock is wrong gets times corrected by sentAt', async () => {
    const id = randomUUID();
    const timestamp = '2026-01-01T00:00:00+0000';
    await send('/v1/batch', {
      batch: [track(id, { timestamp }), track(id, { timestamp: 'yesterday' })],
      sentAt: '2026-01-01T00:10:00+0000',
    });
    await muster.drained();
    const rows = await muster.analyst(
      `SELECT clock, extract(epoch FROM received_at - observed_at)::int AS age_s
         FROM fleet.reports WHERE installation_id = $1 ORDER BY clock`,
      [id],
    );
    expect(rows).toEqual([
      { clock: 'corrected', age_s: 600 },
      { clock: 'received', age_s: 0 },
    ]);
    const defects = await muster.analyst(
      'SELECT path, reason FROM fleet.defects WHERE installation_id = $1',
      [id],
    );
    expect(defects).toEqual([{ path: 'timestamp', reason: 'not_a_timestamp' }]);
  });
});

describe('the installation of a call', () => {
  test('is stored, but personal data of a browser’s call is not', async () => {
    const id = randomUUID();
    const person = {
      email: 'alice@example.com',
      name: 'Alice Liddell',
      title: 'Bill of Rabbit Ltd',
      referrer: 'https://intranet.example.com/',
    };
    const call = {
      userId: person.email,
      context: { ip: '192.0.2.7', userAgent: 'Mozilla/5.0' },
      properties: { clusterId: id, path: '/services/?token=hush#part', appVersion: 7, ...person },
      traits: { clusterId: id, ...person },
    };
    for (const route of ['p', 'i', 's', 'g', 'a']) await send(`/v1/${route}`, call);
    expect(await fatesOf(id)).toHaveLength(5);
    const [ui] = await muster.analyst(
      `SELECT * FROM fleet.ui_events WHERE installation_id = $1 AND event = 'page_view'`,
      [id],
    );
    expect(ui).toMatchObject({ path: '/services/', app_version: null });
    const kept = await muster.owner(
      'SELECT envelope::text FROM original_event WHERE installation_id = $1',
      [id],
    );
    // The three unknown calls, and the two with an appVersion that is not text.
    expect(kept).toHaveLength(5);
    const everything = JSON.stringify([kept, ui]);
    for (const secret of [...Object.values(person), '192.0.2.7', 'Mozilla']) {
      expect(everything).not.toContain(secret);
    }
  });
});

describe('CORS', () => {
  const origin = 'https://ui.example.com';
  const ask = (method: string, path: string, headers: Headers, body?: string) =>
    new HttpsClient(muster.ingestUrl, muster.ca).send(method, path, headers, body);

  test('lets a page send its key in a header', async () => {
    const { status, headers } = await ask('OPTIONS', '/v1/p', {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-max-age': '86400',
    });
  });

  test.each([
    ['success', '/v1/p', '{"writeKey":"wk_dcos"}', 200],
    ['an unknown key', '/v1/p', '{"writeKey":"wk_nobody"}', 401],
    ['a body that is not JSON', '/v1/p', '{"writeKey":"wk_dcos",', 400],
    ['a body that is too large', '/v1/p', 'x'.repeat(2_200_000), 413],
    ['an unknown path', '/v1/q', '{}', 404],
  ])('lets a page read the response about %s', async (_, path, body, expected) => {
    const { status, headers } = await ask('POST', path, { origin }, body);
    expect(status).toBe(expected);
    expect(headers['access-control-allow-origin']).toBe(origin);
  });

  test('does not allow other origins', async () => {
    const evil = { origin: 'https://evil.example.com' };
    const preflight = { ...evil, 'access-control-request-method': 'POST' };
    for (const [method, headers] of [
      ['POST', evil],
      ['OPTIONS', preflight],
    ] as const) {
      const answer = await ask(method, '/v1/p', headers, '{}');
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});

async function balance() {
  await muster.drained();
  return balanceOf(muster.analyst);
}

/** The records of events without an installation. */
function unidentified() {
  return muster.analyst(
    `SELECT reason, path, keys, sum(event_count)::int AS count FROM fleet.quarantined_events
      WHERE installation_id IS NULL GROUP BY reason, path, keys ORDER BY reason, path, keys`,
  );
}
