import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestContext } from '../envelope.js';
import { findPosthogKey, readPosthog } from './posthog.js';
import { codeOf, requestContext } from './testing.js';

const SYSTEM = '7f0d6c3e-9a3d-4b5a-9d7e-0f5a2f1c9b11';
const RECEIVED_AT = Date.parse('2026-11-21T05:26:31Z');

const started = {
  event: 'system.started',
  distinct_id: SYSTEM,
  uuid: '01a1fc96-bf35-7097-be6c-64be984b8f40',
  timestamp: '2026-11-21T05:26:30.123456+00:00',
  properties: { version: '3.9.0', cpu_count: 8 },
};
const envelope = {
  receivedAt: RECEIVED_AT,
  product: 'resoto',
  id: started.uuid,
  installationId: SYSTEM,
  event: 'system.started',
  occurredAt: started.timestamp,
  properties: started.properties,
};
const empty = { receivedAt: RECEIVED_AT, product: 'resoto', empty: true };

describe('a request', () => {
  test('is one event, an array of them, or a batch', () => {
    const other = { ...started, uuid: 'b' };
    const both = [envelope, { ...envelope, id: 'b' }];
    expect(readPosthog({ ...started, api_key: 'phc_x' }, context())).toEqual([envelope]);
    expect(readPosthog([started, other], context())).toEqual(both);
    expect(readPosthog({ api_key: 'phc_x', batch: [started, other] }, context())).toEqual(both);
  });

  test('has a sending time, in either spelling', () => {
    const sentAt = '2026-11-21T05:26:31+00:00';
    const sent = [{ ...envelope, sentAt }];
    expect(readPosthog({ batch: [started], sentAt }, context())).toEqual(sent);
    expect(readPosthog({ batch: [started], sent_at: sentAt }, context())).toEqual(sent);
    expect(readPosthog({ ...started, sent_at: sentAt }, context())).toEqual(sent);
    for (const none of [null, '', undefined]) {
      expect(readPosthog({ batch: [started], sentAt: none }, context())).toEqual([envelope]);
    }
    // Whether it is a time is for the worker to say, which records the defect.
    for (const [odd, text] of [
      [7, '7'],
      [{}, 'no time'],
    ]) {
      const [it] = readPosthog({ batch: [started], sentAt: odd }, context());
      expect(it).toMatchObject({ sentAt: text });
    }
  });

  test('without an event is empty', () => {
    for (const body of [[], { batch: [] }, { batch: null, api_key: 'phc_x' }]) {
      expect(readPosthog(body, context())).toEqual([empty]);
    }
  });

  test.each([null, 7, 'x', true])('is not %j', (body) => {
    expect(codeOf(() => readPosthog(body, context()))).toBe('invalid_body');
  });

  test.each([7, 'x', {}, true])('has no batch like %j', (batch) => {
    expect(codeOf(() => readPosthog({ batch }, context()))).toBe('invalid_body');
  });

  test('is limited to the number of events that a job should carry', () => {
    const two = context({ maxEvents: 2 });
    expect(readPosthog([started, started], two)).toHaveLength(2);
    const three = [started, started, started];
    expect(codeOf(() => readPosthog({ batch: three }, two))).toBe('too_many_events');
  });

  test('rejects only the items that are not objects', () => {
    const lost = { rejection: { reason: 'not_an_event', path: 'batch[0]' }, keys: [] };
    expect(readPosthog([7, started], context())).toMatchObject([lost, envelope]);
  });

  test('keeps only the installation of an event above the size limit, not its properties', () => {
    const limited = context({ isTooLarge: (it) => (it as typeof started).uuid === 'large' });
    const large = { ...started, uuid: 'large' };
    const trace = { ...envelope, id: 'large', isTooLarge: true, properties: {} };
    expect(readPosthog([started, large], limited)).toEqual([envelope, trace]);
    expect(readPosthog(large, limited)).toEqual([trace]);
    expect(readPosthog([{ ...large, distinct_id: undefined }], limited)).toEqual([
      {
        receivedAt: RECEIVED_AT,
        product: 'resoto',
        rejection: { reason: 'event_too_large', path: 'batch[0]' },
        keys: ['version', 'cpu_count'],
      },
    ]);
  });

  test('has one envelope for every item, whatever the items are', () => {
    const fields = {
      ...{ event: fc.anything(), uuid: fc.anything(), timestamp: fc.anything() },
      ...{ distinct_id: fc.oneof(fc.constant(SYSTEM), fc.anything()), offset: fc.anything() },
      properties: fc.anything(),
    };
    const items = fc.oneof(fc.anything(), fc.record(fields, { requiredKeys: [] }));
    fc.assert(
      fc.property(fc.array(items, { minLength: 1 }), (batch) => {
        const envelopes = readPosthog({ batch }, context());
        expect(envelopes).toHaveLength(batch.length);
        for (const it of envelopes) {
          if (!('rejection' in it)) expect(it).toMatchObject({ installationId: SYSTEM });
        }
      }),
    );
  });
});

describe('the project’s key', () => {
  test.each([
    ['api_key of a batch', { api_key: 'phc_x', batch: [] }],
    ['api_key of an event', { api_key: 'phc_x', event: 'e', token: 'other' }],
    ['token of an event', { token: 'phc_x', event: 'e' }],
    ['$token of an event', { $token: 'phc_x', event: 'e' }],
    ['token of an event’s properties', { event: 'e', properties: { token: 'phc_x' } }],
    ['token of the first of an array', [{ properties: { token: 'phc_x' } }, { token: 'other' }]],
  ])('may be the %s', (_, body) => {
    expect(findPosthogKey(body)).toBe('phc_x');
  });

  test.each([
    null,
    7,
    'phc_x',
    [],
    [7],
    {},
    { api_key: 7 },
    { properties: null },
    { key: 'phc_x' },
  ])('is not in %j', (body) => {
    expect(findPosthogKey(body)).toBeUndefined();
  });

  test('is not passed on', () => {
    const properties = { ...started.properties, token: 'phc_SECRET', distinct_id: SYSTEM };
    const [it] = readPosthog({ ...started, api_key: 'phc_SECRET', properties }, context());
    expect(it).toEqual(envelope);
  });
});

describe('the installation', () => {
  const { distinct_id: _, ...nameless } = started;

  test('is the distinct_id, wherever it is in the event', () => {
    const { properties } = nameless;
    for (const it of [
      { ...nameless, $distinct_id: SYSTEM },
      { ...nameless, properties: { ...properties, distinct_id: `${SYSTEM}\n` } },
      { ...nameless, distinct_id: SYSTEM, properties: { ...properties, distinct_id: 'other' } },
    ]) {
      expect(readPosthog(it, context())).toEqual([envelope]);
    }
  });

  test('gets a derived id if its id reveals the machine', () => {
    const distinct_id = '2f3fbe64-e56d-11f1-98d1-02fc00000001';
    const read = (key: string) =>
      readPosthog({ ...started, distinct_id }, context({ identityKey: key }));
    const [one, again, other] = ['k', 'k', 'l'].map((key) => read(key.repeat(32))[0]);
    expect(one).toEqual({
      ...envelope,
      installationId: expect.stringMatching(/^.{14}8.{3}-[89ab]/),
    });
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(JSON.stringify(one)).not.toContain('02fc00000001');
  });

  test.each([
    [undefined, 'installation_id_missing'],
    [null, 'installation_id_missing'],
    ['', 'installation_id_missing'],
    ['alice@example.com', 'installation_id_invalid'],
    [7, 'installation_id_invalid'],
    [{ id: SYSTEM }, 'installation_id_invalid'],
  ])('is invalid if it is %j, and no value is kept', (distinct_id, reason) => {
    const properties = { note: 'SECRET', 'alice@example.com': 1 };
    expect(readPosthog({ ...started, distinct_id, properties }, context())).toEqual([
      {
        receivedAt: RECEIVED_AT,
        product: 'resoto',
        rejection: { reason, path: 'distinct_id' },
        keys: ['note', '[17]'],
      },
    ]);
  });
});

describe('an event', () => {
  const { uuid: _, ...nameless } = started;
  const read = (item: object) => readPosthog(item, context())[0];

  test('without an id is identified by its content if it has a time', () => {
    for (const uuid of [undefined, null, '', {}, 2 ** 53]) {
      const it = read({ ...nameless, uuid });
      expect(it).not.toHaveProperty('id');
      expect(it).toMatchObject({ occurredAt: started.timestamp });
    }
  });

  test.each<object>([
    { $lib: 'web', $device_id: SYSTEM },
    { $lib: 'js' },
    { $viewport_height: 900 },
    { $raw_user_agent: 'Mozilla/5.0' },
    { $browser: 'Firefox' },
    { $screen_width: 1920, $timezone: 'Europe/Berlin' },
    { $lib: 'web', $is_identified: false, $user_id: 'alice' },
  ])('of a browser without an identified user has no installation: %j', (properties) => {
    const visitor = { reason: 'installation_id_of_visitor', path: 'distinct_id' };
    for (const browserDistinctId of ['user', 'installation'] as const) {
      const [it] = readPosthog({ ...started, properties }, { ...context(), browserDistinctId });
      expect(it).toMatchObject({ rejection: visitor });
    }
  });

  test.each<[string, object]>([
    ['system.started', { $lib: 'web', $is_identified: true }],
    ['system.started', { $lib: 'web', $user_id: SYSTEM, $device_id: 'x' }],
    ['$identify', { $lib: 'web', $anon_distinct_id: 'x' }],
  ])(
    'of %s with %j is of the installation that the page names, if the product declares that',
    (event, properties) => {
      const body = { ...started, event, properties };
      const [it] = readPosthog(body, { ...context(), browserDistinctId: 'installation' });
      expect(it).toMatchObject({ event, properties });
      for (const browserDistinctId of ['user', undefined] as const) {
        const [other] = readPosthog(body, { ...context(), browserDistinctId });
        expect(other).toMatchObject({ rejection: { reason: 'installation_id_of_visitor' } });
      }
    },
  );

  test.each<object>([
    { $lib: 'posthog-node', $is_server: true },
    { $lib: 'posthog-python', $current_url: 'https://example.com' },
  ])('of a server with %j is of the installation', (properties) => {
    expect(read({ ...started, properties })).toMatchObject({ properties });
  });

  test('may have its id and its time as numbers, and keeps them as text', () => {
    const numbers = { uuid: 12345, timestamp: 1_795_238_790_000 };
    expect(read({ ...nameless, ...numbers })).toMatchObject({
      id: '12345',
      occurredAt: '1795238790000',
    });
    expect(read({ ...nameless, timestamp: 1_795_238_790 })).not.toHaveProperty('id');
  });

  test('without an id and a time gets a new id', () => {
    for (const timestamp of [undefined, null, '', 7, {}, 'yesterday']) {
      expect(read({ ...nameless, timestamp })).toMatchObject({ id: 'new-1' });
    }
    const local = '2026-11-21T05:26:30';
    expect(read({ ...nameless, timestamp: local })).not.toHaveProperty('id');
  });

  test('may have an age instead of a time', () => {
    const { timestamp: __, ...ago } = nameless;
    const at = (offset: unknown) => read({ ...ago, offset });
    expect(at(1500)).toMatchObject({ id: 'new-1', occurredAt: '2026-11-21T05:26:29.500Z' });
    expect(at(0)).toMatchObject({ occurredAt: '2026-11-21T05:26:31.000Z' });
    for (const none of [null, undefined]) expect(at(none)).not.toHaveProperty('occurredAt');
    for (const odd of [-1, '1500', NaN, Infinity, RECEIVED_AT, 1e300]) {
      expect(at(odd)).toMatchObject({ id: 'new-1', occurredAt: 'no time' });
    }
    expect(read({ ...nameless, offset: 1500 })).toMatchObject({ occurredAt: started.timestamp });
    const [it] = readPosthog({ batch: [{ ...ago, offset: 1500 }], sentAt: 'x' }, context());
    expect(it).not.toHaveProperty('sentAt'); // an age is by our own clock already
  });

  test('may lack a name and properties, which the worker validates', () => {
    for (const nothing of [undefined, null, 7]) {
      expect(read({ ...started, event: nothing, properties: nothing })).toEqual({
        ...envelope,
        event: '',
        properties: {},
      });
    }
  });
});

const context = (changes: Partial<RequestContext> = {}) =>
  requestContext({ receivedAt: RECEIVED_AT, product: 'resoto', ...changes });
