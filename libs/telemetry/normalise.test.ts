import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from './envelope.js';
import type { NormalisedEvent, QuarantinedEvent, UnderstoodEvent } from './normalised-event.js';
import { canonicalJson, eventKey } from './identity.js';
import { normalise, normaliseKept } from './normalise.js';
import { compileProducts } from './products/index.js';
import { quarantineReasons } from './vocabulary.js';

const HOUR_MS = 3_600_000;
const options = { products: compileProducts(), retentionMs: 90 * 24 * HOUR_MS };
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
  test('has its installation, times, content, and the form that may be kept', () => {
    expect(normalise(health, options)).toEqual({
      fate: 'stored',
      kind: 'health',
      product: 'dcos',
      installationId: '70b28f00-e38f-41b2-a723-aab344f535b9',
      eventKey: expect.stringMatching(/^-?\d+$/),
      receivedAt: RECEIVED_AT,
      observedAt: RECEIVED_AT - 1000,
      clock: 'agent',
      description: {
        version: '1.10.11',
        variant: 'open',
        provider: null,
        platform: null,
        source: null,
        customerKey: null,
        licenseId: null,
      },
      describes: true,
      snapshot: expect.objectContaining({ units: ['dcos-signal-timer'], totals: [3] }),
      defects: [],
      keep: expect.any(Function),
    });
  });

  test('has another snapshot where text was left out of it', () => {
    const properties = { ...health.properties, hostname: 'node-7', 'alice@example.com': 'x' };
    const { snapshot } = understood({ properties });
    const { id, contentId, ...said } = understood({}).snapshot;
    expect(snapshot).toEqual({
      ...said,
      id: expect.not.stringMatching(id),
      contentId: expect.not.stringMatching(contentId),
      dropped: ['[17]', 'hostname'],
    });
    const other = understood({ properties: { ...properties, hostname: 'node-8' } });
    expect(other.snapshot).toEqual(snapshot);
    const texts = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`text-${n}`, 'x']));
    expect(understood({ properties: { ...properties, ...texts } }).snapshot.dropped).toHaveLength(
      100,
    );
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

  test('reports the number of readings and property names dropped beyond the limits', () => {
    const packages = [{ name: 'kafka' }, ...Array.from({ length: 1000 }, () => 1)];
    const { defects } = understood({
      event: 'package_list',
      properties: { package_list: packages },
    });
    expect(defects).toHaveLength(101);
    expect(defects.at(-1)).toEqual({ path: '', reason: 'too_many_defects', leftOut: 900 });
    const notes = Array.from({ length: 130 }, (_, n) => [`note_${n}`, 'alice']);
    const noted = understood({
      properties: { ...health.properties, ...Object.fromEntries(notes) },
    });
    expect(noted.snapshot.dropped).toHaveLength(100);
    expect(noted.defects).toEqual([{ path: '', reason: 'too_many_dropped', leftOut: 30 }]);
  });

  test('has one defect for each place and reason, with the number of readings it stands for', () => {
    const product = { product: 'octopus', event: 'telemetry' };
    const event = understood({ ...product, properties: { target_os: ['Linux', 7, 8, null] } });
    expect(event.defects).toEqual([{ path: 'target_os', reason: 'not_text', leftOut: 3 }]);
  });

  test('marks the path of a defect that it had to cut', () => {
    const key = 'a'.repeat(90);
    const properties = { api_calls: { [key]: { [key]: { [key]: { [key]: 1 } } } } };
    const [defect] = understood({
      product: 'octopus',
      event: 'telemetry',
      properties: { ...properties, users: 1 },
    }).defects;
    expect(defect!.path).toHaveLength(282);
    expect(defect!.path).not.toMatch(/…$/);
    const longer = 'b'.repeat(100);
    const deep = { api_calls: { [longer]: { [longer]: { [longer]: 'x' } } }, users: 1 };
    const [cut] = understood({ product: 'octopus', event: 'telemetry', properties: deep }).defects;
    expect(cut!.path).toHaveLength(300);
    expect(cut!.path).toMatch(/…$/);
  });

  test('of a web UI describes no cluster, but has its version', () => {
    const properties = { path: '/login', version: '1.10.11', variant: 'open' };
    const event = understood({ event: 'page', properties });
    const description = { version: '1.10.11' };
    expect(event).toMatchObject({ kind: 'ui', describes: false, description });
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
    expect(normalise(changed(changes), options)).toMatchObject({ observedAt, clock });
    const unknown = normalise(changed({ ...changes, event: 'unknown' }), options);
    expect(unknown).toMatchObject({ fate: 'quarantined', observedAt });
  });
});

describe('the key of an event', () => {
  test('is its id, regardless of the rest of the duplicate', () => {
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
    const properties = Object.fromEntries(Object.entries(health.properties).reverse());
    expect(keyOf({ id: undefined, properties })).toBe(key);
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
        const one = normalise(changed(given), options);
        const properties = { ...description, ...given.properties };
        const other = normalise(changed({ ...given, ...sender, properties }), options);
        expect(one.fate).toBe('stored');
        expect((other as UnderstoodEvent).snapshot).toEqual((one as UnderstoodEvent).snapshot);
      }),
    );
  });
});

describe('a quarantined event', () => {
  test.each([
    ['health', 'unknown'],
    ['health', ''],
    ['health', '__proto__'],
    ['Health', 'dcos', '[6]'],
    ['health ', 'dcos', '[7]'],
    ['', 'dcos', '[0]'],
    ['constructor', 'dcos'],
    ['__proto__', 'dcos', '[9]'],
    ['toString', 'dcos', '[8]'],
    ['health.of-alice', 'dcos', '[15]'],
    ['health.of-later', 'dcos'],
    ['erika.mustermann', 'octopus', '[16]'],
    ['AnnaZqMueller', 'dcos', '[13]'],
    ['[13]', 'dcos', '[13]'],
    ['health of alice', 'dcos', '[15]'],
    ['alice@example.com', 'dcos', '[17]'],
    ['node-7.corp.example.com', 'dcos', '[23]'],
    ['10.0.0.5', 'unknown', '[8]'],
    ['account.123456789012', 'unknown', '[20]'],
    ['x'.repeat(129), 'dcos', '[129]'],
    ['\u0000\ud83d', 'dcos', '[2]'],
  ])('is one that no one declared: %j of %j', (event, product, name = event) => {
    const envelope = changed({ event, product });
    expect(normalise(envelope, options)).toEqual({
      fate: 'quarantined',
      reason: 'unknown_event',
      path: 'event',
      event: name,
      version: product === 'dcos' ? '1.10.11' : null,
      product,
      installationId: health.installationId,
      eventKey: expect.stringMatching(/^-?\d+$/),
      receivedAt: RECEIVED_AT,
      observedAt: RECEIVED_AT - 1000,
      keep: expect.any(Function),
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
  ])('has nothing usable: %s %j', (event, properties, path) => {
    expect(normalise(changed({ event, properties }), options)).toMatchObject({
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
    const event = normalise(changed({ properties }), options);
    expect(event).toMatchObject({ fate: 'quarantined', reason: 'normaliser_failed', path: '' });
    expect(JSON.stringify({ ...event, original: null })).not.toContain('a fault of ours');
  });

  test('is the same event as it would have been', () => {
    const { eventKey, observedAt } = understood({});
    const event = normalise(changed({ event: 'unknown' }), options);
    expect(event).toMatchObject({ fate: 'quarantined', eventKey, observedAt });
  });
});

test('a request without an event is empty, and an event without installation stays so', () => {
  const receipt = { receivedAt: RECEIVED_AT, product: 'dcos' };
  expect(normalise({ ...receipt, empty: true }, options)).toEqual({ fate: 'empty', ...receipt });
  const nothing = changed({ product: 'octopus', event: 'telemetry', properties: {} });
  const empty = { fate: 'empty', ...receipt, product: 'octopus' };
  expect(normalise(nothing, options)).toEqual(empty);
  const rejection = { reason: 'installation_id_missing', path: 'properties.clusterId' } as const;
  const unidentified = { ...receipt, rejection, keys: ['a', 'b'] };
  expect(normalise(unidentified, options)).toEqual({ fate: 'unidentified', ...unidentified });
});

test('the form of a time makes no other event of one that has no id', () => {
  const { id: _, ...nameless } = health;
  const keyAt = (occurredAt: string) => {
    const event = normalise({ ...nameless, occurredAt }, options);
    return 'eventKey' in event && event.eventKey;
  };
  const usual = keyAt('2026-11-21T05:26:30Z');
  // Events of earlier releases are known by it.
  const parts = [nameless.product, 'content', nameless.event, '2026-11-21T05:26:30Z'];
  expect(usual).toBe(eventKey(...parts, canonicalJson(nameless.properties)));
  for (const form of ['2026-11-21 05:26:30+00', '2026-11-21T10:56:30,000+0530', '1795238790000']) {
    expect(keyAt(form)).toBe(usual);
  }
  expect(keyAt('2026-11-21T05:26:30.001Z')).not.toBe(usual);
});

test('a time that is not understood is a defect, and so is the time of sending', () => {
  const event = normalise({ ...health, occurredAt: 'yesterday', sentAt: '7' }, options);
  expect(event).toMatchObject({
    clock: 'received',
    defects: [
      { path: 'timestamp', reason: 'not_a_timestamp' },
      { path: 'sentAt', reason: 'not_a_timestamp' },
    ],
  });
});

test('a placeholder for an id, queued or kept by an earlier release, is no installation', () => {
  const installationId = '00000000-0000-0000-0000-000000000000';
  const rejection = { reason: 'installation_id_placeholder', path: 'installationId' };
  expect(normalise({ ...health, installationId }, options)).toMatchObject({
    fate: 'unidentified',
    rejection,
    keys: Object.keys(health.properties).sort(),
  });
  const { id: _, ...kept } = { ...health, installationId };
  expect(normaliseKept(kept, '1', options)).toMatchObject({ fate: 'quarantined', ...rejection });
});

describe('whatever an agent sends', () => {
  test('has a fate, and nothing of it that is written would be refused by Postgres', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const event = normalise(envelope, options);
        if (event.fate === 'stored') expect(isStorable(event)).toBe(true);
        else if (event.fate !== 'empty') {
          const { fate, reason, event: name } = event as QuarantinedEvent;
          expect(fate).toBe('quarantined');
          expect(quarantineReasons).toContain(reason);
          expect(reason).not.toBe('normaliser_failed');
          expect(name).toSatisfy(isWritableText);
        }
        if (event.fate === 'empty') return;
        expect(BigInt.asIntN(64, BigInt((event as UnderstoodEvent).eventKey))).toBeTypeOf('bigint');
        // The product is the write key's, no agent's.
        expect(leavesOf({ ...keptOf(event), product: '' }).every(isJson)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('gives the same rows on every worker and at every repetition', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const before = structuredClone(envelope);
        const first = normalise(envelope, options);
        expect(envelope).toEqual(before);
        const queued = JSON.parse(JSON.stringify(envelope)) as EventEnvelope;
        for (const repetition of [before, queued]) {
          const again = normalise(repetition, options);
          expect({ ...again, keep: null }).toEqual({ ...first, keep: null });
          expect(JSON.stringify(keptOf(again))).toBe(JSON.stringify(keptOf(first)));
        }
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
  const event = normalise(changed(changes), options);
  expect(event.fate).toBe('stored');
  return event as UnderstoodEvent;
}

function keyOf(changes: Parameters<typeof changed>[0]): string {
  return (normalise(changed(changes), options) as UnderstoodEvent | QuarantinedEvent).eventKey;
}

function keptOf(event: NormalisedEvent) {
  return 'keep' in event ? event.keep() : null;
}

/** Whether every column that an event fills takes what would be written to it. */
function isStorable({ snapshot, resources, description, visitor, observedAt }: UnderstoodEvent) {
  const written = [snapshot, resources, description, visitor].flatMap(leavesOf);
  const isSigned = snapshot.kind === 'metrics';
  return (
    Number.isSafeInteger(observedAt) &&
    written.every((value) => {
      if (typeof value === 'string') return isWritableText(value);
      if (typeof value !== 'number') return value == null || typeof value === 'boolean';
      return Number.isFinite(value) && (isSigned || value >= 0);
    })
  );
}

function isJson(value: unknown): boolean {
  return typeof value === 'string' ? isWritableText(value) : typeof value !== 'undefined';
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
  fc.constantFrom('environments', 'deployment_targets', 'last_metadata_event', 'memory', 'cpu'),
  fc.constantFrom('command_names', 'mem_total', 'kind', 'message', 'count', '$exception_list'),
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
      product: fc.oneof(
        { weight: 5, arbitrary: fc.constant('dcos') },
        { weight: 4, arbitrary: fc.constantFrom('octopus', 'resoto') },
        anyText,
      ),
      installationId: fc.uuid(),
      event: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom('health', 'mesos_track', 'package_list', 'page') },
        fc.constantFrom('telemetry', 'system.started', 'cli.command', 'error.client', 'opted_out'),
        fc.constantFrom('dcos_login', '__proto__', 'constructor', '$exception', '$identify'),
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

/** Usable events. */
const readings = fc.oneof(
  fc.nat(9).map((total) => ({
    event: 'health',
    properties: { 'health-unit-a-total': total, 'health-unit-a-unhealthy': 0 },
  })),
  fc.nat(9).map((n) => ({ event: 'mesos_track', properties: { frameworks: [{ name: `f${n}` }] } })),
  fc
    .nat(9)
    .map((n) => ({ event: 'package_list', properties: { package_list: [{ name: `p${n}` }] } })),
  fc
    .constantFrom('/', '/nodes', '/services/detail/[id]')
    .map((path) => ({ event: 'page', properties: { path } })),
);
