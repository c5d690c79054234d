import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from './envelope.js';
import type {
  KeptEvent,
  NormalisedEvent,
  QuarantinedEvent,
  UnderstoodEvent,
} from './normalised-event.js';
import { normalise, normaliseKept } from './normalise.js';
import { compileProducts } from './products/index.js';
import { readDeclaration } from './products/read-declaration.js';

const options = { products: compileProducts(), retentionMs: 90 * 24 * 3_600_000 };

const envelope = {
  receivedAt: Date.parse('2026-11-21T05:26:31Z'),
  product: 'dcos',
  id: 'alice',
  installationId: '70b28f00-e38f-41b2-a723-aab344f535b9',
  event: 'health',
  occurredAt: '2026-11-21T05:26:30+0000',
  sentAt: '2026-11-21T05:26:30+0000',
  version: '1.10.11',
};
const ERROR = 'open /var/lib/dcos/customer_key: no such file or directory';

describe('what is kept of an event', () => {
  const properties = {
    clusterId: envelope.installationId,
    variant: 'open',
    customerKey: ERROR,
    'health-unit-a-total': '3\n',
    'health-unit-a-unhealthy': 1,
    hostname: 'node-7.corp.example.com',
    notes: [{ by: 'alice', at: 7, isRead: false, answer: null }],
    'alice@example.com': { phone: 15551234567 },
    node_count_123456789012: 1.5,
  };

  test('is its figures, the text that is read, and of all other text how long it was', () => {
    const { id: _, ...rest } = envelope;
    const kept = {
      ...rest,
      properties: {
        clusterId: { $length: 36 },
        variant: 'open',
        customerKey: { $length: 58 },
        'health-unit-a-total': '3\n',
        'health-unit-a-unhealthy': 1,
        hostname: { $length: 23 },
        notes: [{ by: { $length: 5 }, at: 7, isRead: false, answer: null }],
        '[17]': { phone: { $length: 11 } },
        'node_count_*': 1.5,
      },
    };
    expect(keep({ properties })).toEqual(kept);
    expect(keep({ properties, userKey: '-7', visitorKey: '9' })).toEqual({
      ...kept,
      userKey: '-7',
      visitorKey: '9',
    });
  });

  test('has no text if the event is unknown', () => {
    for (const product of ['dcos', 'unknown']) {
      expect(keep({ product, event: 'unknown', properties })).toMatchObject({
        event: 'unknown',
        properties: { variant: { $length: 4 }, 'health-unit-a-total': { $length: 2 } },
      });
    }
  });

  test('is its times and its version only where they are such', () => {
    const times = { occurredAt: 'when alice came', sentAt: 'now', version: 'of alice' };
    const kept = keep({ ...times, properties });
    for (const key of Object.keys(times)) expect(kept).not.toHaveProperty(key);
    expect(keep({ event: 'of alice', properties }).event).toBe('[8]');
    const exact = { occurredAt: '2026-11-21T05:26:30.123456789Z' };
    expect(keep({ ...exact, properties })).toMatchObject(exact);
    const tooExact = { occurredAt: '2026-11-21T05:26:30.123456789012Z' };
    expect(keep({ ...tooExact, properties })).toMatchObject(exact);
  });

  test('does not change what was received', () => {
    const received = { ...envelope, properties };
    const before = structuredClone(received);
    keep(received);
    expect(received).toEqual(before);
  });
});

describe('an event that is read again from what was kept of it', () => {
  const broken = { customerKey: ERROR, hostname: 'node-7.corp.example.com' };
  const units = { 'health-unit-dcos-signal-timer-total': '3', 'health-unit-a-total': 1 };

  test.each<[event: string, properties: object, product?: string]>([
    ['health', { ...units, 'health-unit-dcos-signal-timer-unhealthy': '1\n' }],
    ['mesos_track', { cpu_total: '8', mem_used: -1, frameworks: [{ name: 'a' }, { name: '@' }] }],
    ['package_list', { package_list: [{ name: 'kafka' }, { name: 'alice@example.com' }] }],
    ['package_list', { package_list: [{ appId: '/kafka' }, { appId: '/prod/alice' }] }],
    [
      'package_list',
      {
        package_list: [{ packageInformation: { packageDefinition: { name: 'a', version: '1' } } }],
      },
    ],
    ['page', { path: '/services/detail/[id]', appVersion: '1.10.0', title: 'Alice' }],
    ['page', { path: '/services/detail/alice?as=alice', appVersion: 'of alice' }],
    ['telemetry', { projects: 3, workers: 'many', server_os: { Linux: 2 } }, 'octopus'],
    ['telemetry', { aws_accounts: 3, azure_accounts: 0, guest_account: true, cpu: -1 }, 'octopus'],
    ['cli.command', { commands: -1, command_names: ['search', 'search'], lines: 2 }, 'resoto'],
    ['error.server', { kind: 'KeyError', count: -1, version: '3.9.0' }, 'resoto'],
  ])('is read like the original: %s %j', (event, sent, product = 'dcos') => {
    const first = read({ product, event, properties: { ...sent, ...broken } });
    const again = normaliseKept(first.keep(), first.eventKey, options) as UnderstoodEvent;
    expect(again).toMatchObject({
      fate: 'stored',
      eventKey: first.eventKey,
      kind: first.kind,
      snapshot: first.snapshot,
      observedAt: first.observedAt,
      clock: first.clock,
      description: first.description,
    });
    expect(again.resources).toEqual(first.resources);
    expect(again.visitor).toEqual(first.visitor);
    expect(again.defects.map(({ path }) => path)).toEqual(first.defects.map(({ path }) => path));
  });

  const unknown = { product: 'acme', event: 'daily', properties: { projects: 7, owner: 'alice' } };

  test('follows a newer declaration, and keeps its times and version', () => {
    const declared = readDeclaration({
      ...{ product: 'acme', about: 'It.' },
      events: { daily: { about: 'Each day.', store: 'metrics', describes: true } },
    });
    const first = quarantined(unknown);
    expect(first.version).toBe('1.10.11');
    const newer = { ...options, products: compileProducts([declared]) };
    const again = normaliseKept(first.keep(), first.eventKey, newer);
    const { eventKey, observedAt, receivedAt, installationId } = first;
    expect(again).toMatchObject({
      ...{ fate: 'stored', kind: 'metrics', eventKey, observedAt, receivedAt, installationId },
      description: { version: '1.10.11' },
      snapshot: { metrics: ['projects'], figures: [7] },
    });
  });

  test('is kept unchanged while it is unknown', () => {
    const first = quarantined({ ...unknown, userKey: '-7' });
    const again = normaliseKept(first.keep(), first.eventKey, options);
    expect({ ...again, keep: null }).toEqual({ ...first, keep: null });
    expect(keptOf(again)).toEqual(first.keep());
  });

  test('has the version of a property that is not kept', () => {
    const properties = { environmentVersion: '2.1', note: 'by alice' };
    const first = quarantined({ event: 'unheard-of', properties, version: 'of alice' });
    expect(first.version).toBe('2.1');
    expect(first.keep()).toMatchObject({ version: '2.1', properties: { note: { $length: 8 } } });
    expect(normaliseKept(first.keep(), first.eventKey, options)).toMatchObject({ version: '2.1' });
  });
});

describe('a person named in an event', () => {
  const planted = [
    ...[
      'alice@planted.example',
      'https://planted.example/?q=1',
      'planted.example.com',
      '/home/planted',
    ],
    ...[
      'C:\\planted\\x',
      '10.99.88.77',
      'fe80::9988:7766',
      '00:99:88:77:66:55',
      'Planted Name of 9',
    ],
    ...['99887766-5544-4332-8211-009988776655', '+1 998 877 6655', 'account-998877665544'],
    'arn:aws:iam::998877665544:user/planted',
  ];
  const traces = /planted|99[.:]88[.:]77|9988:7766|998 877|998877665|99887766-5544/i;
  const names = [
    ...['customerKey', 'licenseId', 'version', 'variant', 'platform', 'path', 'appVersion'],
    ...['frameworks', 'package_list', 'name', 'appId', 'cpu_total', 'health-unit-a-total'],
    ...['message', 'kind', 'count', '$exception_list', 'type', 'value', 'deployment_targets'],
    ...['server_os', 'last_metadata_event', 'license_serial_sha1', 'command_names', 'source'],
    ...['system', 'providers', 'success', 'reason', 'anything'],
  ];
  const text = fc.oneof(
    fc.constantFrom(...planted),
    fc.constantFrom(...planted).map((it) => `failed for '${it}' (${it})`),
  );
  const { properties } = fc.letrec((tie) => ({
    properties: fc.dictionary(
      fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, text),
      tie('value'),
      { maxKeys: 6 },
    ),
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.nat(9),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('properties'),
    ),
  })) as unknown as { properties: fc.Arbitrary<Record<string, unknown>> };
  const events = fc.record({
    product: fc.constantFrom('dcos', 'octopus', 'resoto', 'unknown'),
    event: fc.oneof(
      fc.constantFrom('health', 'mesos_track', 'package_list', 'page', 'telemetry', 'opted_out'),
      fc.constantFrom('system.started', 'cli.command', 'error.client', '$exception', 'unknown'),
      fc.constantFrom('task-handler.task-started', 'graphdb.graph-merged'),
      text,
    ),
    id: text,
    occurredAt: text,
    sentAt: text,
    version: text,
    properties,
  });

  test('leaves no trace in the kept event, and in its rows only the vendor’s key', () => {
    fc.assert(
      fc.property(events, (event) => {
        const read = normalise({ ...envelope, ...event }, options);
        const { customerKey, licenseId, ...kept } = (keptOf(read)?.properties ?? {}) as Keys;
        expect(JSON.stringify({ ...keptOf(read), properties: kept })).not.toMatch(traces);
        expect(JSON.stringify(withoutKeys(read))).not.toMatch(traces);
        for (const key of [customerKey, licenseId]) {
          if (typeof key === 'string') expect(key).toMatch(/^(?:account-)?[\d-]+$/);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

interface Keys {
  customerKey?: unknown;
  licenseId?: unknown;
}

/** Keys that a vendor gave to a customer may be numbers of any length. */
function withoutKeys(event: NormalisedEvent) {
  if (event.fate !== 'stored') return event;
  return { ...event, description: { ...event.description, customerKey: null, licenseId: null } };
}

function keptOf(event: NormalisedEvent): KeptEvent | null {
  return 'keep' in event ? event.keep() : null;
}

function read(changes: Partial<EventEnvelope>): UnderstoodEvent {
  const event = normalise({ ...envelope, properties: {}, ...changes }, options);
  expect(event.fate).toBe('stored');
  return event as UnderstoodEvent;
}

function quarantined(changes: Partial<EventEnvelope>): QuarantinedEvent {
  const event = normalise({ ...envelope, properties: {}, ...changes }, options);
  expect(event.fate).toBe('quarantined');
  return event as QuarantinedEvent;
}

function keep(changes: Partial<EventEnvelope>): KeptEvent {
  const event = normalise({ ...envelope, properties: {}, ...changes }, options);
  return keptOf(event) ?? expect.fail('Nothing of the event is kept.');
}
