import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { balanceOf } from './support/balance.js';
import { startMuster, type Muster } from './support/muster.js';

let muster: Muster;

beforeAll(async () => {
  muster = await startMuster({ keepAlive: true });
});

afterAll(() => muster.stop());

const AT = '2026-11-20T05:26:30Z';

/** A health event. Each test uses its own installation, so that tests are independent. */
function health(installationId: string, more: object = {}, unit = 'dcos-net-service') {
  return {
    installationId,
    product: 'dcos',
    event: 'health',
    occurredAt: AT,
    properties: { [`health-unit-${unit}-total`]: 3, [`health-unit-${unit}-unhealthy`]: 1 },
    ...more,
  };
}

function send(body: string | Buffer | object, headers: Record<string, string> = {}) {
  return muster.post('/v1/events', body, {
    headers: { authorization: 'Bearer wk_dcos', ...headers },
  });
}

function sendLines(lines: string) {
  return send(lines, { 'content-type': 'application/x-ndjson' });
}

/** The units in an installation's reports, sorted by name. */
async function unitsOf(installationId: string): Promise<string[]> {
  await muster.drained();
  const rows = await muster.analyst(
    'SELECT unit FROM fleet.health_readings WHERE installation_id = $1 ORDER BY unit',
    [installationId],
  );
  return rows.map(({ unit }) => unit);
}

async function reportsOf(installationId: string) {
  await muster.drained();
  return muster.analyst(
    `SELECT product_version, observed_at, clock FROM fleet.reports
      WHERE installation_id = $1 ORDER BY observed_at, product_version`,
    [installationId],
  );
}

const ACCEPTED = { status: 'accepted' };
const taken = (accepted: number) => ({
  success: true,
  accepted,
  rejected: 0,
  results: Array.from({ length: accepted }, () => ACCEPTED),
});

describe('the events of one request', () => {
  test('one envelope is accepted, and its reading is stored', async () => {
    const id = randomUUID();
    const { status, json } = await send(health(id, { id: 'm-1', version: '2.1.0' }));
    expect({ status, json }).toEqual({ status: 202, json: taken(1) });
    await muster.drained();
    const rows = await muster.analyst(
      `SELECT product, product_version, observed_at, unit, total, unhealthy
         FROM fleet.health_readings WHERE installation_id = $1`,
      [id],
    );
    expect(rows).toEqual([
      {
        product: 'dcos',
        product_version: '2.1.0',
        observed_at: new Date(AT),
        unit: 'dcos-net-service',
        total: 3,
        unhealthy: 1,
      },
    ]);
  });

  test('an array gets one result per event, in order, and its valid events are stored', async () => {
    const id = randomUUID();
    const { status, json } = await send([
      health(id, {}, 'a'),
      'no event',
      health('no-guid'),
      health(id, { event: undefined }),
      health(id, { properties: undefined }),
      health(id, { product: 'octopus' }),
      health(id, {}, 'b'),
    ]);
    expect(status).toBe(202);
    expect(json).toEqual({
      success: true,
      accepted: 2,
      rejected: 5,
      results: [
        ACCEPTED,
        rejected('not_an_object', ''),
        rejected('invalid_guid', 'installationId'),
        rejected('invalid_text', 'event'),
        rejected('invalid_object', 'properties'),
        rejected('product_mismatch', 'product'),
        ACCEPTED,
      ],
    });
    expect(await unitsOf(id)).toEqual(['a', 'b']);
  });

  test('NDJSON gets one result per line, in order, and an invalid line does not affect the others', async () => {
    const id = randomUUID();
    const line = (unit: string) => JSON.stringify(health(id, {}, unit));
    const { status, json } = await sendLines(
      ['', line('a'), '{"half":', '  \t', '[1]', line('b'), '', line('c')].join('\r\n'),
    );
    expect(status).toBe(202);
    expect(json).toEqual({
      success: true,
      accepted: 3,
      rejected: 2,
      results: [
        ACCEPTED,
        { ...rejected('invalid_json', ''), message: 'Line 3 of the body is not valid JSON.' },
        rejected('not_an_object', ''),
        ACCEPTED,
        ACCEPTED,
      ],
    });
    expect(await unitsOf(id)).toEqual(['a', 'b', 'c']);
  });

  test.each(['application/x-ndjson; charset=utf-8', 'application/ndjson', 'application/jsonl'])(
    'NDJSON may have the content type %s',
    async (type) => {
      const id = randomUUID();
      const lines = ['a', 'b'].map((unit) => JSON.stringify(health(id, {}, unit)));
      const { status } = await send(`${lines.join('\n')}\n`, { 'content-type': type });
      expect(status).toBe(202);
      expect(await unitsOf(id)).toEqual(['a', 'b']);
    },
  );

  test('text in another charset is decoded as the content type declares', async () => {
    const id = randomUUID();
    const properties = { frameworks: [{ name: 'müller' }] };
    const event = { installationId: id, product: 'dcos', event: 'mesos_track', properties };
    const type = { 'content-type': 'application/json; charset=iso-8859-1' };
    expect((await send(Buffer.from(JSON.stringify(event), 'latin1'), type)).status).toBe(202);
    await muster.drained();
    const rows = await muster.analyst(
      'SELECT framework FROM fleet.framework_readings WHERE installation_id = $1',
      [id],
    );
    expect(rows).toEqual([{ framework: 'müller' }]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'json', 'a/b, c/d', ''])(
    'an envelope may have the content type "%s"',
    async (type) => {
      const id = randomUUID();
      const body = JSON.stringify(health(id));
      expect((await send(body, { 'content-type': type })).status).toBe(202);
      expect(await unitsOf(id)).toEqual(['dcos-net-service']);
    },
  );
});

describe('an invalid event', () => {
  test.each([
    ['without an installation', { installationId: undefined }, 'invalid_guid', 'installationId'],
    ['with an installation id of null', { installationId: null }, 'invalid_guid', 'installationId'],
    [
      'with an installation id that is a number',
      { installationId: 7 },
      'invalid_guid',
      'installationId',
    ],
    [
      'with an error message as installation id',
      { installationId: 'open /var/lib/dcos/cluster-id: no such file or directory' },
      'invalid_guid',
      'installationId',
    ],
    ['without a product', { product: undefined }, 'invalid_text', 'product'],
    ['without a kind', { event: undefined }, 'invalid_text', 'event'],
    ['with an empty event name', { event: '' }, 'invalid_text', 'event'],
    ['with an event name that is an object', { event: {} }, 'invalid_text', 'event'],
    ['with an event name of 129 characters', { event: 'x'.repeat(129) }, 'invalid_text', 'event'],
    ['without properties', { properties: undefined }, 'invalid_object', 'properties'],
    ['with properties that are null', { properties: null }, 'invalid_object', 'properties'],
    ['with properties that are a list', { properties: [1] }, 'invalid_object', 'properties'],
    ['with properties that are text', { properties: '{}' }, 'invalid_object', 'properties'],
    ['with an empty id', { id: '' }, 'invalid_text', 'id'],
    ['with an id that is a number too large for JSON', { id: 2 ** 53 }, 'invalid_text', 'id'],
    ['with an id of 201 characters', { id: 'x'.repeat(201) }, 'invalid_text', 'id'],
    ['with a version that is a number', { version: 2.1 }, 'invalid_text', 'version'],
    ['with a version of 65 characters', { version: 'x'.repeat(65) }, 'invalid_text', 'version'],
    ['of another product', { product: 'octopus' }, 'product_mismatch', 'product'],
  ])('%s gets 400 with code, path and message', async (_, flaw, code, path) => {
    const id = randomUUID();
    const { status, json } = await send(health(id, flaw));
    const result = rejected(code, path);
    expect({ status, json }).toEqual({
      status: 400,
      json: {
        success: false,
        code,
        message: result.message,
        detail: json.message,
        accepted: 0,
        rejected: 1,
        results: [result],
      },
    });
    expect(json.message).toBe(json.results[0].message);
    expect(await reportsOf(id)).toEqual([]);
  });

  test('with several errors gets the first of them, in the order of the envelope', async () => {
    const { json } = await send({ id: true, installationId: 'x', event: null });
    expect(json.results).toEqual([rejected('invalid_text', 'id')]);
  });

  test.each([
    ['no JSON', '{"installationId":'],
    ['nothing', ''],
    ['blanks', ' \r\n '],
    ['binary', Buffer.from([0xff, 0xfe, 0x00])],
  ])('is refused with the standard error body if the body is %s', async (_, body) => {
    const { status, json } = await send(body);
    expect(status).toBe(400);
    expect(json).toEqual(errorBody('invalid_json'));
  });

  test.each([
    ['an empty array', () => send('[]')],
    ['no line', () => sendLines('')],
    ['only blank lines', () => sendLines('\r\n \n')],
  ])('missing in %s gets the standard error body', async (_, sending) => {
    const { status, json } = await sending();
    expect(status).toBe(400);
    expect(json).toEqual(errorBody('invalid_body'));
  });

  test.each(['null', '7', '"text"', 'true'])('gets 400 if the body is %s', async (body) => {
    const { status, json } = await send(body);
    expect(status).toBe(400);
    expect(json).toMatchObject({ accepted: 0, results: [rejected('not_an_object', '')] });
  });
});

describe('the time of an event', () => {
  test.each([
    ['2026-11-20T05:26:30Z', '2026-11-20T05:26:30.000Z'],
    ['2026-11-20T05:26:30+0000', '2026-11-20T05:26:30.000Z'],
    ['2026-11-20T05:26:30+0530', '2026-11-19T23:56:30.000Z'],
    ['2026-11-20T05:26:30-08:00', '2026-11-20T13:26:30.000Z'],
    ['2026-11-20T05:26:30.123456789Z', '2026-11-20T05:26:30.123Z'],
  ])('%s is read as %s', async (occurredAt, observed) => {
    const id = randomUUID();
    expect((await send(health(id, { occurredAt }))).status).toBe(202);
    expect(await reportsOf(id)).toEqual([
      { product_version: null, observed_at: new Date(observed), clock: 'agent' },
    ]);
  });

  test.each([undefined, null])('is the receive time if occurredAt is %s', async (occurredAt) => {
    const id = randomUUID();
    const before = Date.now();
    expect((await send(health(id, { occurredAt }))).status).toBe(202);
    const after = Date.now();
    const [report] = await reportsOf(id);
    expect(report).toMatchObject({ clock: 'received' });
    expect(report!.observed_at.getTime()).toBeGreaterThanOrEqual(before);
    expect(report!.observed_at.getTime()).toBeLessThanOrEqual(after);
  });

  test.each([
    ['two days ahead', 2],
    ['older than the retention', -401],
  ])('is the receive time if occurredAt is %s', async (_, days) => {
    const id = randomUUID();
    const occurredAt = new Date(Date.now() + days * 86_400_000).toISOString();
    expect((await send(health(id, { occurredAt }))).status).toBe(202);
    expect(await reportsOf(id)).toMatchObject([{ clock: 'received' }]);
  });
});

describe('the version of an event', () => {
  test.each([
    ['the version of the envelope', { version: '2.1.0' }, {}, '2.1.0'],
    [
      'the version in the properties, which takes precedence',
      { version: '2' },
      { environmentVersion: '2.1.0' },
      '2.1.0',
    ],
    ['null if neither has one', {}, {}, null],
    ['null if it is null', { version: null }, {}, null],
  ])('is %s', async (_, more, properties, version) => {
    const id = randomUUID();
    const event = health(id, more);
    Object.assign(event.properties, properties);
    expect((await send(event)).status).toBe(202);
    expect(await reportsOf(id)).toMatchObject([{ product_version: version }]);
  });
});

describe('a duplicate', () => {
  test('is detected by the event id, in the same or another request, whatever the content', async () => {
    const id = randomUUID();
    const before = await balanceOf(muster.analyst);
    const first = health(id, { id: 'm-1' }, 'a');
    await send(first);
    await send([first, health(id, { id: 'm-1', occurredAt: '2026-11-20T06:00:00Z' }, 'b')]);
    expect(await unitsOf(id)).toEqual(['a']);
    const { stored, duplicate } = await balanceOf(muster.analyst);
    expect({ stored, duplicate }).toEqual({
      stored: before.stored + 1,
      duplicate: before.duplicate + 2,
    });
  });

  test('is not assumed for the same id of another installation, or for a longer id', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const longest = 'x'.repeat(199);
    await send([
      health(one, { id: `${longest}1` }, 'a'),
      health(one, { id: `${longest}2` }, 'b'),
      health(other, { id: `${longest}1` }, 'c'),
    ]);
    expect(await unitsOf(one)).toEqual(['a', 'b']);
    expect(await unitsOf(other)).toEqual(['c']);
  });

  test('of an event without id is detected by its time and content', async () => {
    const id = randomUUID();
    await send(health(id, {}, 'a'));
    await send(health(id, { id: null }, 'a'));
    await send(health(id, {}, 'b'));
    await send(health(id, { occurredAt: '2026-11-20T06:00:00Z' }, 'b'));
    expect(await unitsOf(id)).toEqual(['a', 'b', 'b']);
  });

  test('of an event with neither id nor time is not detected', async () => {
    const id = randomUUID();
    const event = health(id, { occurredAt: undefined });
    await send([event, event]);
    await send(event);
    expect(await reportsOf(id)).toHaveLength(3);
  });
});

describe('a request', () => {
  test.each([
    ['without a key', {}],
    ['with an unknown key', { authorization: 'Bearer wk_nobody' }],
    ['with an empty key', { authorization: 'Bearer ' }],
    ['with a key in another authorization scheme', { authorization: 'Key wk_dcos' }],
    ['with the digest of a key', { authorization: `Bearer ${'0'.repeat(64)}` }],
  ])('%s gets 401 with the standard error body and WWW-Authenticate', async (_, headers) => {
    const id = randomUUID();
    const body = { ...health(id), writeKey: 'wk_dcos' };
    const { status, json, headers: said } = await muster.post('/v1/events', body, { headers });
    expect({ status, json }).toEqual({ status: 401, json: errorBody('unauthorized') });
    expect(said['www-authenticate']).toBe('Bearer realm="muster"');
    expect(await reportsOf(id)).toEqual([]);
  });

  test('to an unknown path gets 404, with a wrong method 405, and the standard error body', async () => {
    const headers = { authorization: 'Bearer wk_dcos' };
    const wrong = await muster.post('/v1/event', {}, { headers });
    expect({ status: wrong.status, json: wrong.json }).toEqual({
      status: 404,
      json: errorBody('not_found'),
    });
    const get = await muster.get('/v1/events', { headers });
    expect({ status: get.status, json: get.json }).toEqual({
      status: 405,
      json: errorBody('method_not_allowed'),
    });
  });

  test('with the key of another product is stored for that product', async () => {
    const id = randomUUID();
    const event = health(id, { product: 'octopus' });
    const headers = { authorization: 'Bearer wk_octopus' };
    expect((await muster.post('/v1/events', event, { headers })).status).toBe(202);
    await muster.drained();
    const rows = await muster.analyst(
      'SELECT product FROM fleet.installations WHERE installation_id = $1',
      [id],
    );
    expect(rows).toEqual([{ product: 'octopus' }]);
  });

  test('may be compressed and may have unknown fields', async () => {
    const id = randomUUID();
    const event = { ...health(id), colour: 'red' };
    const headers = { 'content-encoding': 'gzip' };
    expect((await send(gzipSync(JSON.stringify(event)), headers)).status).toBe(202);
    expect(await unitsOf(id)).toEqual(['dcos-net-service']);
  });
});

/** A sentence that ends in a full stop. */
const SENTENCE = expect.stringMatching(/^[A-Zia-z].{8,}\.$/);

function rejected(code: string, path: string) {
  return { status: 'rejected', code, path, message: SENTENCE };
}

function errorBody(code: string) {
  return { success: false, code, message: SENTENCE, detail: SENTENCE };
}
