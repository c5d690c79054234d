import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from './envelope.js';
import type { QuarantinedEvent, UnderstoodEvent } from './normalise.js';
import { normalise, quarantine } from './normalise.js';
import { quarantineReasons } from './vocabulary.js';

const HOUR_MS = 3_600_000;
const RETENTION_MS = 90 * 24 * HOUR_MS;
const RECEIVED_AT = Date.parse('2026-11-21T05:26:31Z');

const health: EventEnvelope = {
  receivedAt: RECEIVED_AT,
  product: 'dcos',
  id: 'b1ce6e37-432b-45d4-b7a1-087db0d66586',
  installationId: '70b28f00-e38f-41b2-a723-aab344f535b9',
  event: 'health',
  occurredAt: '2026-11-21T05:26:30+0000',
  sentAt: '2026-11-21T05:26:30+0000',
  properties: {
    environmentVersion: '1.10.11',
    variant: 'open',
    'health-unit-dcos-signal-timer-total': 3,
    'health-unit-dcos-signal-timer-unhealthy': 1,
  },
};

describe('an understood event', () => {
  test('says who, when, which version, what, and keeps the original', () => {
    expect(normalise(health, RETENTION_MS)).toEqual({
      fate: 'stored',
      kind: 'health',
      product: 'dcos',
      installationId: '70b28f00-e38f-41b2-a723-aab344f535b9',
      eventKey: expect.stringMatching(/^-?\d+$/),
      receivedAt: RECEIVED_AT,
      observedAt: RECEIVED_AT - 1000,
      clock: 'agent',
      version: '1.10.11',
      description: {
        version: '1.10.11',
        variant: 'open',
        provider: null,
        platform: null,
        source: null,
        customerKey: null,
        licenseId: null,
      },
      snapshot: expect.objectContaining({ units: ['dcos-signal-timer'], totals: [3] }),
      defects: [],
      original: health,
    });
  });

  test('has the defects of its readings, its description and its time', () => {
    const properties = {
      ...health.properties,
      'health-unit-a-total': 1,
      customerKey: 'open /var/lib/dcos/customer_key: no such file or directory',
    };
    const event = understood({ properties, occurredAt: 'yesterday' });
    expect(event.defects).toEqual([
      { path: 'health-unit-a-total', reason: 'without_partner' },
      { path: 'customerKey', reason: 'malformed' },
      { path: 'timestamp', reason: 'not_a_timestamp' },
    ]);
    expect(event.snapshot).toEqual(understood({}).snapshot);
  });

  test('of a web UI describes no cluster, but has its version', () => {
    const properties = { path: '/login', version: '1.10.11', variant: 'open' };
    const event = understood({ event: 'page', properties });
    expect(event).toMatchObject({ kind: 'ui', version: '1.10.11', description: null });
  });
});

describe('the time of an event', () => {
  test.each([
    ['its own', {}, RECEIVED_AT - 1000, 'agent'],
    ['when it was received, without one', { occurredAt: undefined }, RECEIVED_AT, 'received'],
    ['when it was received, if nonsense', { occurredAt: '7 pm' }, RECEIVED_AT, 'received'],
    [
      'corrected by the skew that sentAt shows',
      { occurredAt: '2026-11-21T02:26:30Z', sentAt: '2026-11-21T03:26:31Z' },
      RECEIVED_AT - HOUR_MS - 1000,
      'corrected',
    ],
    ['its own, if sentAt is nonsense', { sentAt: 'now' }, RECEIVED_AT - 1000, 'agent'],
    [
      'when it was received, if it is older than the retention',
      { occurredAt: '2026-01-01T00:00:00Z', sentAt: undefined },
      RECEIVED_AT,
      'received',
    ],
  ])('is %s', (_, changes, observedAt, clock) => {
    expect(normalise(changed(changes), RETENTION_MS)).toMatchObject({ observedAt, clock });
    const unknown = normalise(changed({ ...changes, event: 'unknown' }), RETENTION_MS);
    expect(unknown).toMatchObject({ fate: 'quarantined', observedAt });
  });
});

describe('the key of an event', () => {
  test('is its id, whatever else a repetition says', () => {
    const repetition = {
      receivedAt: RECEIVED_AT + 1,
      sentAt: '2026-11-21T05:27:30+0000',
      occurredAt: '2026-11-20T05:26:30+0000',
      event: 'package_list',
      properties: {},
    };
    expect(keyOf(repetition)).toBe(keyOf({}));
    expect(keyOf({ id: 'another' })).not.toBe(keyOf({}));
    expect(keyOf({ product: 'another' })).not.toBe(keyOf({}));
  });

  test('is its content and its time where it has no id', () => {
    const repetition = { receivedAt: RECEIVED_AT + 1, sentAt: '2026-11-21T05:27:30+0000' };
    const key = keyOf({ id: undefined });
    expect(keyOf({ id: undefined, ...repetition })).toBe(key);
    const others = [
      { id: '' },
      { occurredAt: '2026-11-21T05:26:31+0000' },
      { occurredAt: undefined },
      { event: 'mesos_track' },
      { properties: { ...health.properties, variant: 'enterprise' } },
      { product: 'another' },
    ].map((changes) => keyOf({ id: undefined, ...changes }));
    expect(new Set([key, keyOf({}), ...others]).size).toBe(others.length + 2);
  });
});

describe('a snapshot', () => {
  test('depends on what was read, never on who sent it, when and how often', () => {
    const senders = fc.record({
      installationId: fc.uuid(),
      id: fc.string(),
      receivedAt: fc.nat(RECEIVED_AT),
      occurredAt: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      version: fc.string(),
    });
    const descriptions = fc.dictionary(
      fc.constantFrom('clusterId', 'customerKey', 'environmentVersion', 'variant', 'provider'),
      fc.string(),
    );
    fc.assert(
      fc.property(readings, senders, descriptions, (given, sender, description) => {
        const one = normalise(changed(given), RETENTION_MS);
        const properties = { ...description, ...given.properties };
        const other = normalise(changed({ ...given, ...sender, properties }), RETENTION_MS);
        expect(one.fate).toBe('stored');
        expect((other as UnderstoodEvent).snapshot).toEqual((one as UnderstoodEvent).snapshot);
      }),
    );
  });
});

describe('an event that is kept aside', () => {
  test.each([
    ['health', 'octopus'],
    ['health', ''],
    ['health', '__proto__'],
    ['Health', 'dcos'],
    ['health ', 'dcos'],
    ['', 'dcos'],
    ['constructor', 'dcos'],
    ['__proto__', 'dcos'],
    ['toString', 'dcos'],
  ])('is one that no one declared: %j of %j', (event, product) => {
    const envelope = changed({ event, product });
    expect(normalise(envelope, RETENTION_MS)).toEqual({
      fate: 'quarantined',
      reason: 'unknown_event',
      path: 'event',
      event: event.trim(),
      product,
      installationId: health.installationId,
      eventKey: expect.stringMatching(/^-?\d+$/),
      receivedAt: RECEIVED_AT,
      observedAt: RECEIVED_AT - 1000,
      original: envelope,
    });
  });

  test.each([
    ['health', {}, 'properties'],
    ['health', { 'health-unit-a-total': 1 }, 'health-unit-a-total'],
    ['package_list', {}, 'properties'],
    ['package_list', { package_list: 7 }, 'package_list'],
    ['package_list', { package_list: [{ appId: '/a/b' }] }, 'package_list[0].appId'],
    ['mesos_track', {}, 'properties'],
    ['mesos_track', { cpu_total: 'x' }, 'cpu_total'],
  ])('is one of which nothing can be used: %s %j', (event, properties, path) => {
    expect(normalise(changed({ event, properties }), RETENTION_MS)).toMatchObject({
      fate: 'quarantined',
      reason: 'nothing_usable',
      path,
    });
  });

  test('is one that we fail to read, and the others go on', () => {
    const properties = {};
    Object.defineProperty(properties, 'health-unit-a-total', {
      enumerable: true,
      get: () => {
        throw new Error('a fault of ours');
      },
    });
    Object.defineProperty(properties, 'health-unit-a-unhealthy', { enumerable: true, value: 0 });
    const event = normalise(changed({ properties }), RETENTION_MS);
    expect(event).toMatchObject({ fate: 'quarantined', reason: 'normaliser_failed', path: '' });
    expect(JSON.stringify({ ...event, original: null })).not.toContain('a fault of ours');
  });

  test('is the same event as it would have been', () => {
    const { eventKey, observedAt } = understood({});
    const rejection = { reason: 'refused_by_store', path: 'here' } as const;
    const event = quarantine(health, rejection, RETENTION_MS);
    expect(event).toMatchObject({ ...rejection, eventKey, observedAt, event: 'health' });
    expect(event.original).toBe(health);
  });
});

test('a request without an event is empty, and an event without installation stays so', () => {
  const receipt = { receivedAt: RECEIVED_AT, product: 'dcos' };
  expect(normalise({ ...receipt, empty: true }, RETENTION_MS)).toEqual({
    fate: 'empty',
    ...receipt,
  });
  const rejection = { reason: 'installation_id_missing', path: 'properties.clusterId' } as const;
  const unidentified = { ...receipt, rejection, keys: ['a', 'b'] };
  expect(normalise(unidentified, RETENTION_MS)).toEqual({ fate: 'unidentified', ...unidentified });
});

describe('whatever an agent sends', () => {
  test('has a fate, and nothing of it that is written would be refused by Postgres', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const event = normalise(envelope, RETENTION_MS);
        if (event.fate === 'stored') expect(isStorable(event)).toBe(true);
        else {
          const { fate, reason, event: name } = event as QuarantinedEvent;
          expect(fate).toBe('quarantined');
          expect(quarantineReasons).toContain(reason);
          expect(reason).not.toBe('normaliser_failed');
          expect(name).toSatisfy(isWritableText);
        }
        expect(BigInt.asIntN(64, BigInt((event as UnderstoodEvent).eventKey))).toBeTypeOf('bigint');
      }),
      { numRuns: 300 },
    );
  });

  test('gives the same rows on every worker and at every repetition', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const before = structuredClone(envelope);
        const first = normalise(envelope, RETENTION_MS);
        expect(envelope).toEqual(before);
        expect(normalise(before, RETENTION_MS)).toEqual(first);
        const queued = JSON.parse(JSON.stringify(envelope)) as EventEnvelope;
        expect({ ...normalise(queued, RETENTION_MS), original: null }).toEqual({
          ...first,
          original: null,
        });
      }),
    );
  });
});

function changed(changes: { [K in keyof EventEnvelope]?: EventEnvelope[K] | undefined }) {
  const envelope = Object.entries({ ...health, ...changes });
  return Object.fromEntries(
    envelope.filter(([, value]) => value !== undefined),
  ) as never as EventEnvelope;
}

function understood(changes: Partial<EventEnvelope>): UnderstoodEvent {
  const event = normalise(changed(changes), RETENTION_MS);
  expect(event.fate).toBe('stored');
  return event as UnderstoodEvent;
}

function keyOf(changes: Parameters<typeof changed>[0]): string {
  return (normalise(changed(changes), RETENTION_MS) as UnderstoodEvent | QuarantinedEvent).eventKey;
}

/** Whether every column that an event fills takes what would be written to it. */
function isStorable({ snapshot, resources, description, version, observedAt }: UnderstoodEvent) {
  const written = [snapshot, resources, description, version].flatMap(leavesOf);
  return (
    Number.isSafeInteger(observedAt) &&
    written.every((value) => {
      if (typeof value === 'string') return isWritableText(value);
      return value == null || (Number.isFinite(value) && (value as number) >= 0);
    })
  );
}

function leavesOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(leavesOf);
}

function isWritableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

/** Any text of UTF-16 units: NULs, control characters and halves of characters included. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u0000', '\ud83d', '\ude00', '\n', '/', '-', 'a'),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  ),
});

const anyKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'toJSON', 'length'),
  fc.constantFrom('package_list', 'frameworks', 'cpu_total', 'task_count', 'path', 'appVersion'),
  fc.constantFrom('environmentVersion', 'version', 'customerKey', 'variant', 'licenseId'),
  fc
    .tuple(
      fc.constantFrom('a', 'a-service', '', '__proto__'),
      fc.constantFrom('total', 'unhealthy'),
    )
    .map(([unit, half]) => `health-unit-${unit}-${half}`),
  fc
    .tuple(anyText, fc.constantFrom('total', 'unhealthy'))
    .map((it) => `health-unit-${it.join('-')}`),
  anyText,
);

const anyNumber = fc.oneof(
  fc.nat(5),
  fc.integer(),
  fc.double(),
  fc.constantFrom(Infinity, -0, NaN),
);

const anyItem = fc.oneof(
  anyText.map((name) => ({ name })),
  anyText.map((appId) => ({ appId })),
  fc
    .tuple(fc.oneof(anyText, anyNumber), fc.oneof(anyText, anyNumber))
    .map(([name, version]) => ({ packageInformation: { packageDefinition: { name, version } } })),
  fc.anything(),
);

const anyValue = fc.oneof(anyNumber, anyText, fc.array(anyItem), fc.anything());

/** Own properties of any name, as JSON can give them. */
const anyProperties = fc
  .array(fc.tuple(anyKey, anyValue), { maxLength: 20 })
  .map((entries) => Object.fromEntries(entries));

/** What JSON can carry: no NaN, no undefined, but halves of characters, and keys of any name. */
const envelopes = fc
  .record(
    {
      receivedAt: fc.constant(RECEIVED_AT),
      product: fc.oneof({ weight: 9, arbitrary: fc.constant('dcos') }, anyText),
      installationId: fc.uuid(),
      event: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom('health', 'mesos_track', 'package_list', 'page') },
        fc.constantFrom('dcos_login', '__proto__', 'constructor'),
        anyText,
      ),
      id: anyText,
      occurredAt: fc.oneof(
        anyText,
        fc.constantFrom('2026-11-21T05:26:30+0000', '0000-01-01T00:00:00Z'),
      ),
      sentAt: fc.oneof(
        anyText,
        fc.constantFrom('1970-01-01T00:00:00Z', '9999-12-31T23:59:59-1200'),
      ),
      version: anyText,
      properties: anyProperties,
    },
    { requiredKeys: ['receivedAt', 'product', 'installationId', 'event', 'properties'] },
  )
  .map((envelope) => JSON.parse(JSON.stringify(envelope)) as EventEnvelope);

/** Events of which something can be used. */
const readings = fc.oneof(
  fc.nat(9).map((total) => ({
    event: 'health',
    properties: { 'health-unit-a-total': total, 'health-unit-a-unhealthy': 0 },
  })),
  fc.nat(9).map((n) => ({ event: 'mesos_track', properties: { frameworks: [{ name: `f${n}` }] } })),
  fc
    .nat(9)
    .map((n) => ({ event: 'package_list', properties: { package_list: [{ name: `p${n}` }] } })),
  fc.nat(9).map((n) => ({ event: 'page', properties: { path: `/${n}` } })),
);
