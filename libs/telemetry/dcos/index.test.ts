import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReportKind } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { dcos } from './index.js';

describe('the description of a cluster', () => {
  const described = {
    variant: 'enterprise',
    provider: 'on-prem',
    platform: 'aws',
    source: 'cluster',
    customerKey: 'ab1c23de-45f6-7g8h-9012-i345j6k7lm8n',
    licenseId: 'mesosphere-developer',
  };
  const kinds: ReportKind[] = ['health', 'mesos_track', 'package_list'];

  test.each(kinds)('is in every %s report', (kind) => {
    const sent = { ...described, environmentVersion: '2.1.0', clusterId: 'x', email: 'a@b' };
    expect(dcos.describe(kind, sent)).toEqual({ content: described, defects: [] });
  });

  test('is not in what a web UI sends', () => {
    expect(dcos.describe('ui', described)).toBeNull();
  });

  test('is null where the agent says nothing, which is no defect', () => {
    const nothing = Object.fromEntries(Object.keys(described).map((key) => [key, null]));
    for (const sent of [{}, nothing, { customerKey: '', licenseId: ' \n', variant: null }]) {
      expect(describeCluster(sent)).toEqual({ content: nothing, defects: [] });
    }
  });

  test('has no customer key where 1.7 sends the text of an error in its place', () => {
    const customerKey = 'open /var/lib/dcos/customer_key: no such file or directory';
    const { content, defects } = describeCluster({ ...described, customerKey });
    expect(content).toEqual({ ...described, customerKey: null });
    expect(defects).toEqual([{ path: 'customerKey', reason: 'malformed' }]);
  });

  test('is mended where a value ends in a newline', () => {
    expect(describeCluster({ customerKey: 'ab1c\n' }).content.customerKey).toBe('ab1c');
  });

  test.each(Object.keys(described))('keeps the rest when the %s is nonsense', (key) => {
    for (const [value, reason] of [
      [7, 'not_text'],
      [{ a: 1 }, 'not_text'],
      [false, 'not_text'],
      ['two words', 'malformed'],
      ['a\u0000b', 'malformed'],
      ['<script>', 'malformed'],
      ['alice@example.com', 'malformed'],
      ['x'.repeat(129), 'malformed'],
    ] as const) {
      const { content, defects } = describeCluster({ ...described, [key]: value });
      expect(content).toEqual({ ...described, [key]: null });
      expect(defects).toEqual([{ path: key, reason }]);
    }
  });

  test('says so when the version is nonsense', () => {
    expect(describeCluster({ environmentVersion: 1.8 }).defects).toEqual([
      { path: 'environmentVersion', reason: 'not_text' },
    ]);
  });

  test('never holds more than a short token', () => {
    const keys = fc.constantFrom(...Object.keys(described));
    const values = fc.oneof(fc.string({ unit: 'binary', size: 'large' }), fc.anything());
    fc.assert(
      fc.property(fc.dictionary(keys, values), (sent) => {
        for (const value of Object.values(describeCluster(sent).content)) {
          expect(value ?? 'null').toMatch(/^[\x21-\x7e]{1,128}$/);
        }
      }),
    );
  });
});

describe('the version of a cluster', () => {
  test.each<[Properties, string | undefined, string | null]>([
    [{ environmentVersion: '1.10.11', version: '1.9' }, '1.8', '1.10.11'],
    [{ environmentVersion: '1.7-open\n' }, undefined, '1.7-open'],
    [{ version: '1.10.11', appVersion: '1.10.0' }, '1.8', '1.10.11'],
    [{ environmentVersion: '', version: '1.9' }, '1.8', '1.9'],
    [{ environmentVersion: 'open /etc/version: no such file', version: null }, '1.8', '1.8'],
    [{ environmentVersion: 1.8 }, undefined, null],
    [{ version: '@@VERSION' }, undefined, null],
    [{}, 'two words', null],
    [{}, undefined, null],
  ])('of %j and an envelope of %j is %j', (properties, envelopeVersion, version) => {
    expect(dcos.versionOf(properties, envelopeVersion)).toBe(version);
  });
});

test('the events of DC/OS are the three of its agent and the four of its web UI', () => {
  const kinds = Object.entries(dcos.events).map(([event, { kind }]) => [event, kind]);
  expect(Object.fromEntries(kinds)).toEqual({
    health: 'health',
    mesos_track: 'mesos_track',
    package_list: 'package_list',
    page: 'ui',
    identify: 'ui',
    dcos_login: 'ui',
    dcos_logout: 'ui',
  });
  const actions = ['page', 'identify', 'dcos_login', 'dcos_logout'].map(
    (event) => dcos.events[event]!.read({}).content!.snapshot,
  );
  expect(actions).toMatchObject([
    { action: 'page_view' },
    { action: 'identify' },
    { action: 'login' },
    { action: 'logout' },
  ]);
});

function describeCluster(properties: Properties) {
  return dcos.describe('health', properties)!;
}
