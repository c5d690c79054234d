import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from '../envelope.js';
import { readSegmentBatch, readSegmentCall, segmentTypes } from './segment.js';
import { requestContext } from './testing.js';

const CLUSTER = '70b28f00-e38f-41b2-a723-aab344f535b9';
const BROWSER = 'a4a0c4d3-f67e-486c-ad40-73e7bfc02955';

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

describe('a person', () => {
  const about = {
    userId: 'alice@example.com',
    traits: { clusterId: CLUSTER, email: 'alice@example.com', name: 'Alice' },
    context: {
      library: { name: 'analytics.js' },
      page: { title: 'Alice', url: 'https://alice.example.com', referrer: 'alice' },
      traits: { email: 'alice@example.com' },
      ip: '192.0.2.1, Alice',
    },
    name: 'Alice',
    writeKey: 'alice',
  };

  test('never leaves the dialect, whichever call names them', () => {
    const calls = fc.record({
      type: fc.constantFrom(...segmentTypes, undefined, 'x'),
      properties: fc.constantFrom(undefined, null, [], {}, { clusterId: CLUSTER }, 'alice'),
      event: fc.constantFrom(undefined, 'dcos_login', 'dcos_logout'),
    });
    fc.assert(
      fc.property(calls, (call) => {
        const body = { ...track, ...about, ...call };
        const batch = readSegmentBatch({ batch: [body], ...about }, requestContext());
        const single = readSegmentCall(
          call.type === 'x' ? 'track' : (call.type ?? 'page'),
          body,
          requestContext(),
        );
        expect(JSON.stringify([batch, single])).not.toMatch(/alice/i);
      }),
    );
  });

  test.each(['identify', 'page', 'screen', 'group', 'alias'])(
    'leaves of a call like %s the names of what was said, and how long it was',
    (type) => {
      const properties = {
        clusterId: CLUSTER,
        path: '/services/detail/[id]',
        appVersion: '1.10.0',
        version: '1.10.11',
        title: 'Alice',
        url: 'https://alice.example.com',
        tags: ['alice', { path: '/alice' }],
        'alice@example.com': true,
        width: 1280,
        phone: 15551234567,
        __proto__: null,
      };
      const { properties: taken } = read({ ...about, type, properties }) as EventEnvelope;
      expect(taken).toEqual({
        clusterId: { $length: 36 },
        path: '/services/detail/[id]',
        appVersion: '1.10.0',
        version: '1.10.11',
        title: { $length: 5 },
        url: { $length: 25 },
        tags: [{ $length: 5 }, { path: { $length: 6 } }],
        '[17]': true,
        width: 1280,
        phone: { $length: 11 },
      });
    },
  );

  test('leaves the properties of a tracked event for the worker to validate', () => {
    expect(read(about)).toMatchObject({ properties: track.properties });
  });
});

describe('the user of a web UI', () => {
  const browser = { context: { library: { name: 'analytics.js' } } };
  const call = { type: 'page', userId: 'alice@example.com', anonymousId: BROWSER };

  test('has the same keyed hashes in every call', () => {
    const { userKey, visitorKey } = read(call) as EventEnvelope;
    for (const key of [userKey, visitorKey]) expect(key).toMatch(/^-?\d+$/);
    expect(userKey).not.toBe(visitorKey);
    for (const type of ['identify', 'screen', 'group', 'alias']) {
      expect(read({ ...call, type })).toMatchObject({ userKey, visitorKey });
    }
    const login = { ...call, ...browser, type: 'track', event: 'dcos_login' };
    expect(read(login)).toMatchObject({ userKey, visitorKey });
    expect(read({ ...call, userId: ' Alice@Example.com\n' })).toMatchObject({ userKey });
    const byMail = { ...call, userId: undefined, traits: { email: 'alice@example.com' } };
    expect(read(byMail)).toMatchObject({ userKey });
    expect(read({ ...byMail, userId: 'bob' })).not.toMatchObject({ userKey });
  });

  test('has other keys in another installation, and under another secret', () => {
    const { userKey, visitorKey } = read(call) as EventEnvelope;
    const clusterId = '71159751-c28a-4a23-a279-d36ffc2fff40';
    const elsewhere = [
      read({ ...call, properties: { clusterId } }),
      readSegmentCall(
        'page',
        { ...track, ...call },
        requestContext({ identityKey: 'l'.repeat(32) }),
      )[0],
    ];
    for (const it of elsewhere as EventEnvelope[]) {
      expect(it.userKey).toMatch(/^-?\d+$/);
      expect(it.visitorKey).toMatch(/^-?\d+$/);
      expect([userKey, visitorKey]).not.toContain(it.userKey);
      expect([userKey, visitorKey]).not.toContain(it.visitorKey);
    }
  });

  test('has no key if the call names no user', () => {
    for (const none of [undefined, null, '', 7, {}]) {
      const it = read({ ...call, userId: none, anonymousId: none, traits: { email: none } });
      expect(it).toMatchObject({ installationId: CLUSTER });
      expect(it).not.toHaveProperty('userKey');
      expect(it).not.toHaveProperty('visitorKey');
    }
  });

  test('is not the customer key that a server sends', () => {
    for (const userId of ['ab1c23de-45f6-7g8h-9012-i345j6k7lm8n', '15551234567', '', null]) {
      expect(read({ userId })).toEqual(envelope);
    }
  });

  test('is read from an e-mail address that a server sends, without a browser', () => {
    const { userKey } = read(call) as EventEnvelope;
    expect(read({ userId: 'alice@example.com' })).toEqual({ ...envelope, userKey });
    expect(read({ traits: { email: 'alice@example.com' } })).toEqual({ ...envelope, userKey });
  });
});

/** The envelope of an event of dcos-signal in which something is changed. */
function read(changes: Record<string, unknown>) {
  return readSegmentBatch({ batch: [{ ...track, ...changes }] }, requestContext())[0];
}
