import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from '../envelope.js';
import { readSegmentBatch, readSegmentCall, segmentTypes } from './segment.js';
import { codeOf, requestContext } from './testing.js';

const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';
const BROWSER = 'a4a0c4d3-f67e-486c-ad40-73e7bfc02955';
const ERROR = 'open /var/lib/dcos/cluster-id: no such file or directory';

const track = {
  type: 'track',
  event: 'health',
  anonymousId: CLUSTER,
  messageId: 'b1ce6e37',
  timestamp: '2026-11-21T05:26:30+0000',
  properties: { clusterId: CLUSTER, 'health-unit-a-total': 1 },
};
const envelope = {
  receivedAt: 1,
  product: 'dcos',
  id: 'b1ce6e37',
  installationId: CLUSTER,
  event: 'health',
  occurredAt: '2026-11-21T05:26:30+0000',
  properties: track.properties,
};

test.each(['identify', 'page', 'screen', 'group', 'alias'] as const)(
  'the values of a call of type %s above a limit are not read',
  (type) => {
    const traits = {
      clusterId: CLUSTER,
      get note(): string {
        throw new Error('was read');
      },
    };
    const [tooDeep] = readSegmentCall(type, { traits }, requestContext({ isTooDeep: () => true }));
    expect(tooDeep).toMatchObject({ rejection: { reason: 'event_too_deep' } });
    const [tooLarge] = readSegmentCall(
      type,
      { traits },
      requestContext({ isTooLarge: () => true }),
    );
    expect(tooLarge).toMatchObject({ isTooLarge: true, properties: {} });
  },
);

describe('a batch', () => {
  test('is read event by event, each with the time the request was sent', () => {
    const sentAt = '2026-11-21T05:26:31+0000';
    const body = { batch: [track, { ...track, messageId: 'b' }], messageId: 'c', sentAt };
    expect(readSegmentBatch(body, requestContext())).toEqual([
      { ...envelope, sentAt },
      { ...envelope, id: 'b', sentAt },
    ]);
  });

  test('of null, which dcos-signal sends every other time, is read as one empty envelope', () => {
    const sentAt = '2026-11-21T05:26:31+0000';
    for (const body of [{ batch: null, messageId: 'x', sentAt }, { batch: [] }]) {
      expect(readSegmentBatch(body, requestContext())).toEqual([
        { receivedAt: 1, product: 'dcos', empty: true },
      ]);
    }
  });

  test.each([null, 7, 'x', [], [track]])('is an object, not %j', (body) => {
    expect(codeOf(() => readSegmentBatch(body, requestContext()))).toBe('invalid_body');
    expect(codeOf(() => readSegmentCall('track', body, requestContext()))).toBe('invalid_body');
  });

  test('is required, because a body without it may be an event for another route', () => {
    expect(codeOf(() => readSegmentBatch(track, requestContext()))).toBe('invalid_body');
  });

  test.each([7, 'x', {}, true])('is a list of events, not %j', (batch) => {
    expect(codeOf(() => readSegmentBatch({ batch }, requestContext()))).toBe('invalid_body');
  });

  test('is limited to the number of events that a job should carry', () => {
    const two = requestContext({ maxEvents: 2 });
    expect(readSegmentBatch({ batch: [track, track] }, two)).toHaveLength(2);
    const three = { batch: [track, track, track] };
    expect(codeOf(() => readSegmentBatch(three, two))).toBe('too_many_events');
  });

  test('rejects only the items that are not objects', () => {
    const batch = [7, track, null, 'x', [track]];
    const lost = (index: number) => ({
      receivedAt: 1,
      product: 'dcos',
      rejection: { reason: 'not_an_event', path: `batch[${index}]` },
      keys: [],
    });
    expect(readSegmentBatch({ batch }, requestContext())).toEqual([
      lost(0),
      envelope,
      lost(2),
      lost(3),
      lost(4),
    ]);
  });

  test('keeps only the installation of an event above the size limit, not its properties', () => {
    const large = { ...track, messageId: 'large' };
    const limited = requestContext({
      isTooLarge: (it) => (it as typeof track).messageId === 'large',
    });
    const trace = { ...envelope, id: 'large', isTooLarge: true, properties: {} };
    expect(readSegmentBatch({ batch: [track, large] }, limited)).toEqual([envelope, trace]);
    expect(readSegmentCall('track', large, limited)).toEqual([trace]);
    const { anonymousId: _, ...nameless } = { ...large, properties: { padding: 'x' } };
    expect(readSegmentBatch({ batch: [nameless] }, limited)).toEqual([
      {
        receivedAt: 1,
        product: 'dcos',
        rejection: { reason: 'event_too_large', path: 'batch[0]' },
        keys: ['padding'],
      },
    ]);
  });

  test('has one envelope for every item, whatever the items are', () => {
    const items = fc.array(fc.oneof(fc.anything(), fc.record(anyFields, { requiredKeys: [] })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(items, (batch) => {
        const envelopes = readSegmentBatch({ batch }, requestContext());
        expect(envelopes).toHaveLength(batch.length);
        for (const it of envelopes) {
          expect(it).toMatchObject({ receivedAt: 1, product: 'dcos' });
          if (!('rejection' in it)) expect(it).toMatchObject({ installationId: CLUSTER });
        }
      }),
    );
  });
});

describe('a call of one event', () => {
  test('is read like the same event in a batch', () => {
    for (const type of segmentTypes) {
      const item = {
        ...track,
        type,
        traits: { clusterId: CLUSTER },
        sentAt: '2026-11-21T05:26:31Z',
      };
      const { sentAt } = item;
      expect(readSegmentCall(type, item, requestContext())).toEqual(
        readSegmentBatch({ batch: [item], sentAt }, requestContext()),
      );
    }
  });

  test('has the type of its route, regardless of its body', () => {
    const body = { ...track, type: 'identify' };
    expect(readSegmentCall('track', body, requestContext())).toEqual([envelope]);
    expect(readSegmentCall('page', body, requestContext())).toMatchObject([{ event: 'page' }]);
  });
});

describe('the installation', () => {
  test('is the cluster id of the properties, even if anonymousId differs', () => {
    expect(read({ anonymousId: BROWSER })).toMatchObject({ installationId: CLUSTER });
  });

  test('is normalised if it is sent as by 1.7', () => {
    const clusterId = `${CLUSTER}\n`;
    const mended = read({ anonymousId: clusterId, properties: { clusterId } });
    expect(mended).toMatchObject({ installationId: CLUSTER });
  });

  test('is the cluster id of the traits if the properties have none', () => {
    for (const type of ['identify', 'page', 'track']) {
      for (const properties of [undefined, {}, { clusterId: null }]) {
        const call = { type, properties, anonymousId: BROWSER, traits: { clusterId: CLUSTER } };
        expect(read(call)).toMatchObject({ installationId: CLUSTER });
      }
    }
  });

  test('is the anonymousId if a server sends nothing else', () => {
    for (const clusterId of [undefined, null, '']) {
      expect(read({ properties: { clusterId } })).toMatchObject({ installationId: CLUSTER });
    }
  });

  test('is never the anonymousId of a browser', () => {
    const library = { context: { library: { name: 'analytics.js' } } };
    const missing = { reason: 'installation_id_missing', path: 'properties.clusterId' };
    const ofVisitor = { reason: 'installation_id_of_visitor', path: 'anonymousId' };
    for (const properties of [{}, undefined, { clusterId: null }, { clusterId: '' }]) {
      const login = { event: 'dcos_login', anonymousId: BROWSER, properties, ...library };
      expect(read(login)).toMatchObject({ rejection: ofVisitor });
      for (const type of ['page', 'identify', 'screen', 'group', 'alias']) {
        expect(read({ type, anonymousId: BROWSER, properties })).toMatchObject({
          rejection: missing,
        });
      }
    }
  });

  test.each([
    { library: { name: 'analytics.js', version: 'npm:next-1.84.3' } },
    { library: { name: 'RudderLabs JavaScript SDK', version: '3.34.1' } },
    { library: { name: '@segment/analytics-next' } },
    { library: { name: '@ht-sdks/events-sdk-js' } },
    { library: { name: '@jitsu/js' } },
    { page: { referrer: 'https://example.com/' } },
    { userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' },
    { userAgentData: { mobile: false } },
    { channel: 'web' },
    { library: { name: 'of-our-own' }, page: { path: '/login', url: 'https://example.com/login' } },
  ])('is never the anonymousId of a web SDK: %j', (library) => {
    const lost = read({ anonymousId: BROWSER, properties: {}, context: library });
    expect(lost).toMatchObject({ rejection: { reason: 'installation_id_of_visitor' } });
    const channel = read({ anonymousId: BROWSER, properties: {}, channel: 'web' });
    expect(channel).toMatchObject({ rejection: { reason: 'installation_id_of_visitor' } });
    const known = read({
      anonymousId: BROWSER,
      properties: { clusterId: CLUSTER },
      context: library,
    });
    expect(known).toMatchObject({ installationId: CLUSTER, visitorKey: expect.any(String) });
  });

  test.each(['analytics-go', '@segment/analytics-node', '@rudderstack/rudder-sdk-node'])(
    'is the anonymousId of a server with %s',
    (name) => {
      const context = { library: { name }, page: {}, userAgent: 'Go-http-client/1.1' };
      const it = read({ anonymousId: CLUSTER, properties: {}, channel: 'server', context });
      expect(it).toMatchObject({ installationId: CLUSTER });
    },
  );

  test('is not an error text that 1.7 sends in its place', () => {
    const failed = read({ anonymousId: ERROR, properties: { clusterId: ERROR, a: 'SECRET' } });
    expect(failed).toEqual({
      receivedAt: 1,
      product: 'dcos',
      rejection: { reason: 'installation_id_invalid', path: 'properties.clusterId' },
      keys: ['clusterId', 'a'],
    });
    expect(read({ anonymousId: ERROR, properties: {} })).toMatchObject({
      rejection: { reason: 'installation_id_invalid', path: 'anonymousId' },
    });
    expect(read({ properties: { clusterId: `arn:aws: ${ERROR}` } })).toMatchObject({
      rejection: { reason: 'installation_id_invalid', path: 'properties.clusterId' },
    });
  });

  test.each([
    ['a cloud provider’s name', 'arn:aws:cloudformation:us-west-2:123456789012:stack/alice'],
    ['a GUID that reveals the machine', '70b28f00-e38f-11b2-a723-aab344f535b9'],
  ])('known by %s has an id that is derived from it', (_, clusterId) => {
    const ids = segmentTypes.map((type) => {
      const it = read({ type, properties: { clusterId }, anonymousId: BROWSER });
      return (it as EventEnvelope).installationId;
    });
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(read({ properties: {}, anonymousId: clusterId })).toMatchObject({
      installationId: ids[0],
    });
    const batch = [{ ...track, properties: { clusterId } }];
    const elsewhere = readSegmentBatch({ batch }, requestContext({ identityKey: 'l'.repeat(32) }));
    expect(elsewhere[0]).not.toMatchObject({ installationId: ids[0] });
  });

  test('is missing if no field contains it', () => {
    const unidentified = { anonymousId: undefined, userId: CLUSTER, properties: {} };
    expect(read(unidentified)).toMatchObject({ rejection: { reason: 'installation_id_missing' } });
  });

  test('if missing, leaves the names of 200 properties, the number of the others, and no values', () => {
    const properties = Object.fromEntries([
      ['k'.repeat(101), 'SECRET'],
      ['SECRET@example.com', 1],
      ['/home/SECRET/.kube', 1],
      ['account_123456789012', 1],
      ...Array.from({ length: 300 }, (_, n) => [`key-${n}`, 'SECRET']),
    ]);
    const lost = read({ anonymousId: undefined, userId: 'SECRET', properties });
    const names = Array.from({ length: 196 }, (_, n) => `key-${n}`);
    expect(lost).toMatchObject({ keys: ['[101]', '[18]', '[18]', 'account_*', ...names, '+104'] });
    expect(JSON.stringify(lost)).not.toContain('SECRET');
  });
});

describe('an event', () => {
  test('has its own name if it is tracked, otherwise its type', () => {
    expect(read({ event: 'dcos_login' })).toMatchObject({ event: 'dcos_login' });
    expect(read({ type: 'page', event: 'dcos_login' })).toMatchObject({ event: 'page' });
    for (const event of [undefined, null, 7, ''])
      expect(read({ event })).toMatchObject({ event: '' });
    expect(read({ type: 7, event: 'health' })).toMatchObject({ event: '' });
  });

  test('without an id is identified by its content if it has a time', () => {
    expect(read({ messageId: 12345 })).toMatchObject({ id: '12345' });
    for (const messageId of [undefined, null, '', {}, 2 ** 53]) {
      expect(read({ messageId })).not.toHaveProperty('id');
      expect(read({ messageId, timestamp: '2026-11-21T05:26:30' })).not.toHaveProperty('id');
    }
    for (const messageId of [undefined, null, '', {}]) {
      for (const timestamp of [undefined, null, 'yesterday', 7]) {
        expect(read({ messageId, timestamp })).toMatchObject({ id: 'new-1' });
      }
    }
  });

  test('keeps its times as sent, valid or not', () => {
    const [it] = readSegmentBatch(
      { batch: [{ ...track, timestamp: 'yesterday' }], sentAt: 'now' },
      requestContext(),
    );
    expect(it).toMatchObject({ occurredAt: 'yesterday', sentAt: 'now' });
    const [other] = readSegmentBatch(
      { batch: [{ ...track, timestamp: 7 }], sentAt: 7 },
      requestContext(),
    );
    expect(other).toMatchObject({ occurredAt: '7', sentAt: '7' });
    const nothing = { batch: [{ ...track, timestamp: '' }], sentAt: null };
    const [none] = readSegmentBatch(nothing, requestContext());
    expect(none).not.toHaveProperty('occurredAt');
    expect(none).not.toHaveProperty('sentAt');
  });
});

/** The envelope of an event of dcos-signal in which something is changed. */
function read(changes: Record<string, unknown>) {
  return readSegmentBatch({ batch: [{ ...track, ...changes }] }, requestContext())[0];
}

const anyFields = {
  type: fc.oneof(fc.constantFrom(...segmentTypes), fc.anything()),
  event: fc.oneof(fc.string(), fc.anything()),
  anonymousId: fc.oneof(fc.constant(CLUSTER), fc.anything()),
  messageId: fc.oneof(fc.string(), fc.anything()),
  timestamp: fc.oneof(fc.string(), fc.anything()),
  properties: fc.oneof(fc.object(), fc.anything()),
  traits: fc.oneof(fc.constant({ clusterId: CLUSTER }), fc.anything()),
  context: fc.oneof(fc.constant({ library: { name: 'analytics.js' } }), fc.anything()),
};
