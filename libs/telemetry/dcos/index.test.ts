import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventEnvelope } from '../envelope.js';
import { isIdentifying } from '../privacy/identifying.js';
import type { ReadEvent } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { dcos } from './index.js';

const agentEvents = ['health', 'mesos_track', 'package_list'];
const uiEvents = ['page', 'identify', 'dcos_login', 'dcos_logout'];

describe('the description of a cluster', () => {
  const described = {
    variant: 'enterprise',
    provider: 'on-prem',
    platform: 'aws',
    source: 'cluster',
    customerKey: 'ab1c23de-45f6-7g8h-9012-i345j6k7lm8n',
    licenseId: 'mesosphere-developer',
  };
  const version = '2.1.0';
  const nothing = Object.fromEntries(Object.keys(described).map((key) => [key, null]));

  test('is in every report of the agent, but in no event of the web UI', () => {
    for (const event of agentEvents) expect(dcos.find(event)!.describes).toBe(true);
    for (const event of uiEvents) expect(dcos.find(event)!.describes).toBe(false);
  });

  test('is read as the agent reports it', () => {
    const sent = { ...described, environmentVersion: version, clusterId: 'x', email: 'a@b' };
    expect(describeCluster(sent)).toEqual({ content: { ...described, version }, defects: [] });
  });

  test('is null if the agent sends nothing, without a defect', () => {
    for (const sent of [{}, nothing, { customerKey: '', licenseId: ' \n', variant: null }]) {
      const content = { ...nothing, version: null };
      expect(describeCluster(sent)).toEqual({ content, defects: [] });
    }
  });

  test('has no customer key if 1.7 sends an error text in its place', () => {
    const customerKey = 'open /var/lib/dcos/customer_key: no such file or directory';
    const { content, defects } = describeCluster({ ...described, customerKey });
    expect(content).toEqual({ ...described, customerKey: null, version: null });
    expect(defects).toEqual([{ path: 'customerKey', reason: 'malformed' }]);
  });

  test('ignores a newline at the end of a value', () => {
    expect(describeCluster({ customerKey: 'ab1c\n' }).content.customerKey).toBe('ab1c');
    expect(describeCluster({ variant: ' open\r\n' }).content.variant).toBe('open');
  });

  test.each(Object.keys(described))('keeps the other values when the %s is invalid', (key) => {
    for (const [value, reason] of [
      [7, 'not_text'],
      [{ a: 1 }, 'not_text'],
      [{ $length: 4 }, 'not_text'],
      [false, 'not_text'],
      ['two words', 'malformed'],
      ['a\u0000b', 'malformed'],
      ['<script>', 'malformed'],
      ['alice@example.com', 'malformed'],
      ['node-7.corp.example.com', 'malformed'],
      ['https://alice', 'malformed'],
      ['/home/alice', 'malformed'],
      ['10.0.0.5', 'malformed'],
      ['fe80::1', 'malformed'],
      ['00-1b-63-84-45-e6', 'malformed'],
      ['x'.repeat(129), 'malformed'],
    ] as const) {
      const { content, defects } = describeCluster({ ...described, [key]: value });
      expect(content).toEqual({ ...described, [key]: null, version: null });
      expect(defects).toEqual([{ path: key, reason }]);
    }
  });

  test('may have a number as a vendor key, but as no other value', () => {
    const numbers = ['15551234567', '70b28f00-e38f-41b2-a723-aab344f535b9', '9f86d081884c7d65'];
    const isKey = (key: string) => key === 'customerKey' || key === 'licenseId';
    for (const number of numbers) {
      const sent = Object.fromEntries(Object.keys(described).map((key) => [key, number]));
      const { content, defects } = describeCluster(sent);
      expect(content).toEqual({
        ...nothing,
        customerKey: number,
        licenseId: number,
        version: null,
      });
      const others = Object.keys(described).filter((key) => !isKey(key));
      expect(defects).toEqual(others.map((path) => ({ path, reason: 'malformed' })));
    }
  });

  test('has a defect if the version is invalid', () => {
    for (const [environmentVersion, reason] of [
      [1.8, 'not_text'],
      ['alice', 'malformed'],
      ['10.0.0.5', 'malformed'],
    ] as const) {
      const defects = [{ path: 'environmentVersion', reason }];
      expect(describeCluster({ environmentVersion }).defects).toEqual(defects);
    }
  });

  test('never contains more than a short token that is not identifying', () => {
    const keys = fc.constantFrom('environmentVersion', ...Object.keys(described));
    const characters = fc.string({ unit: fc.constantFrom('a', '1', '0', '.', '-', '@', '/', ':') });
    const values = fc.oneof(
      fc.string({ unit: 'binary', size: 'large' }),
      fc.oneof(fc.emailAddress(), fc.ipV4(), fc.ipV6(), fc.domain(), fc.webUrl(), fc.uuid()),
      characters,
      fc.anything(),
    );
    fc.assert(
      fc.property(fc.dictionary(keys, values), (sent) => {
        const { customerKey, licenseId, version: said, ...tokens } = describeCluster(sent).content;
        for (const value of [customerKey, licenseId, said, ...Object.values(tokens)]) {
          expect(value ?? 'null').toMatch(/^[\x21-\x7e]{1,128}$/);
        }
        for (const value of Object.values(tokens)) expect(isIdentifying(value ?? '')).toBe(false);
        for (const value of [customerKey, licenseId]) expect(value ?? '').not.toMatch(/[@/:\\]/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the version of a cluster', () => {
  test.each<[Properties, string | undefined, string | null]>([
    [{ environmentVersion: '1.10.11', version: '1.9' }, '1.8', '1.10.11'],
    [{ environmentVersion: '1.7-open\n' }, undefined, '1.7-open'],
    [{ environmentVersion: '1.13-dev+3f2a1c9' }, undefined, '1.13-dev+3f2a1c9'],
    [{ version: '1.10.11', appVersion: '1.10.0' }, '1.8', '1.10.11'],
    [{ environmentVersion: '', version: '1.9' }, '1.8', '1.9'],
    [{ environmentVersion: 'open /etc/version: no such file', version: null }, '1.8', '1.8'],
    [{ environmentVersion: 'alice', version: 'bob' }, 'carol', null],
    [{ environmentVersion: '192.168.0.10' }, '10.0.0.5', null],
    [{ environmentVersion: 1.8 }, undefined, null],
    [{ version: '@@VERSION' }, undefined, null],
    [{}, 'two words', null],
    [{}, undefined, null],
  ])('of %j and an envelope of %j is %j', (properties, envelopeVersion, version) => {
    expect(dcos.describe(properties, envelopeVersion).content.version).toBe(version);
  });
});

describe('the events of DC/OS', () => {
  test('are three of its agent, four of its web UI, and those of every product', () => {
    const kinds = [...agentEvents, ...uiEvents, 'opted_out', 'opted_in'].map((event) => [
      event,
      dcos.find(event)?.kind,
    ]);
    expect(Object.fromEntries(kinds)).toEqual({
      health: 'health',
      mesos_track: 'mesos_track',
      package_list: 'package_list',
      page: 'ui',
      identify: 'ui',
      dcos_login: 'ui',
      dcos_logout: 'ui',
      opted_out: 'usage',
      opted_in: 'usage',
    });
    const actions = uiEvents.map((event) => contentOf(read(event, {})).snapshot);
    expect(actions).toMatchObject([
      { action: 'page_view' },
      { action: 'identify' },
      { action: 'login' },
      { action: 'logout' },
    ]);
  });

  test.each([
    '',
    'Health',
    'health ',
    'track',
    'telemetry',
    '__proto__',
    'constructor',
    'toString',
  ])('are not %j', (event) => {
    expect(dcos.find(event)).toBeNull();
  });

  test('include opt-outs and opt-ins of operators', () => {
    for (const event of ['opted_out', 'opted_in']) {
      const { content, defects } = read(event, {});
      expect(content).toMatchObject({ consent: event, snapshot: { kind: 'metrics', event } });
      expect(defects).toEqual([]);
    }
  });
});

describe('an undocumented property', () => {
  test('is dropped from every event, and its path is recorded', () => {
    const strange = {
      hostname: 'node-7.corp.example.com',
      'alice@example.com': 'x',
      notes: [{ by: 'alice' }],
      '': 'alice',
      gpu_total: 8,
      isLeader: false,
      load: [0.5],
    };
    for (const event of [...agentEvents, ...uiEvents]) {
      const it = read(event, { cpu_total: 1, package_list: [], ...reading('a'), ...strange });
      const names = ['[0]', '[17]', 'gpu_total', 'hostname', 'isLeader', 'load', 'notes'];
      expect(it.dropped).toEqual(names);
      expect(it.defects).toEqual([]);
      expect(JSON.stringify(it)).not.toMatch(/alice|node-7/);
    }
  });

  test('is a defect if it is a number that JSON does not allow', () => {
    for (const event of [...agentEvents, ...uiEvents]) {
      const sent = {
        cpu_total: 1,
        package_list: [],
        ...reading('a'),
        x: 'NaN',
        'a@b.com': 'Infinity',
      };
      const { dropped, defects } = read(event, sent);
      expect(dropped).toBeUndefined();
      expect(defects).toEqual([
        { path: 'x', reason: 'not_a_number' },
        { path: '[7]', reason: 'not_a_number' },
      ]);
    }
  });

  test('is not recorded if it is empty or documented', () => {
    const known = { clusterId: 'x', anonymousId: 'x', variant: 'open', path: '/', version: '1' };
    const sent = { ...reading('a'), ...known, none: null, list: [] };
    for (const text of ['', {}, { a: '' }]) {
      expect(read('health', { ...sent, text })).not.toHaveProperty('dropped');
    }
  });
});

describe('undocumented text', () => {
  test.each([
    ['environmentVersion', '1.10.11', '10.0.0.5'],
    ['version', '1.10.11', 'alice'],
    ['appVersion', '1.10.0', 'alice'],
    ['variant', 'open', 'alice@example.com'],
    ['provider', 'on-prem', 'corp.example.com'],
    ['platform', 'aws', '/home/alice'],
    ['source', 'cluster', '10.0.0.5'],
    ['customerKey', '15551234567', 'open /x: no such file'],
    ['licenseId', 'mesosphere-developer', 'alice@example.com'],
    ['cpu_total', '12\n', 'twelve'],
    ['task_count', '3', '3 tasks of alice'],
    ['health-unit-dcos-signal-timer-total', '3\n', 'three'],
    ['health-unit-dcos-signal-timer-unhealthy', '1', 'one'],
    ['frameworks[].name', 'marathon', 'alice@example.com'],
    ['package_list[].name', 'kafka', '10.0.0.5'],
    ['package_list[].packageInformation.packageDefinition.name', 'kafka', 'alice@example.com'],
    ['package_list[].packageInformation.packageDefinition.version', '2.10.0-1.0.0', 'alice'],
  ])('at %s keeps %j and drops %j', (path, kept, refused) => {
    for (const event of [...agentEvents, ...uiEvents]) {
      const { keepText } = dcos.find(event)!;
      expect([keepText(path, kept), keepText(path, refused)]).toEqual([kept, null]);
    }
  });

  test('is kept as a path without names, and as an app id without its slash', () => {
    const { keepText } = dcos.find('page')!;
    expect(keepText('path', '/services/detail/alice?as=alice')).toBe('/services/detail/[id]');
    expect(keepText('package_list[].appId', '/kafka\n')).toBe('kafka');
    expect(keepText('package_list[].appId', '/prod/alice')).toBeNull();
  });

  test.each(['clusterId', 'anonymousId', 'hostname', 'frameworks[].role', 'a.path', '__proto__'])(
    'is any at %s',
    (path) => {
      for (const text of ['marathon', '1.10.11', '7', 'x', ' ']) {
        expect(dcos.find('health')!.keepText(path, text)).toBeNull();
      }
    },
  );
});

function describeCluster(properties: Properties) {
  return dcos.describe(properties, undefined);
}

function reading(unit: string) {
  return { [`health-unit-${unit}-total`]: '3', [`health-unit-${unit}-unhealthy`]: 1 };
}

function read(event: string, properties: Properties): ReadEvent {
  const envelope: EventEnvelope = {
    receivedAt: 1,
    product: 'dcos',
    installationId: '70b28f00-e38f-41b2-a723-aab344f535b9',
    event,
    properties,
  };
  return dcos.find(event)!.read(properties, envelope);
}

function contentOf({ content }: ReadEvent) {
  return content === null || content === 'empty' ? expect.fail('There is nothing.') : content;
}
