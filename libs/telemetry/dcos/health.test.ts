import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isIdentifying } from '../privacy/identifying.js';
import type { HealthSnapshot } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { parseUnitKey, readHealth, readUnits } from './health.js';

describe('the units of a cluster', () => {
  test('drop telephone numbers under names that a sender chose', () => {
    const sent = {
      'health-unit-phone-total': 1_555_123_456,
      'health-unit-phone-unhealthy': 0,
      'health-unit-account_id-total': 3,
      'health-unit-account_id-unhealthy': 1,
    };
    const { content, defects } = readUnits(sent);
    expect(content.map(({ unit, total }) => [unit, total])).toEqual([['account_id', 3]]);
    expect(defects).toEqual([{ path: 'health-unit-phone-total', reason: 'identifying' }]);
  });

  test('are read exactly as sent and sorted by name, whatever the order of the keys', () => {
    fc.assert(
      fc.property(clusters, otherKeys, fc.nat(), (cluster, others, seed) => {
        const sent = shuffled([...asAgentWrites(cluster), ...others], seed);
        const { content, defects } = readUnits(Object.fromEntries(sent));
        const expected = cluster
          .map(({ unit, total, unhealthy }) => ({ unit: dashed(unit), total, unhealthy }))
          .sort((a, b) => (a.unit < b.unit ? -1 : 1));
        expect(content.map(({ type: _, ...reading }) => reading)).toEqual(expected);
        expect(defects).toEqual([]);
      }),
    );
  });

  test('keep all valid readings when one reading is invalid', () => {
    fc.assert(
      fc.property(clusters, nonsense, fc.nat(), (cluster, { sent, path, reason }, seed) => {
        const sensible = asAgentWrites(cluster);
        const all = Object.fromEntries(shuffled([...sensible, ...sent], seed));
        const { content, defects } = readUnits(all);
        expect(content).toEqual(readUnits(Object.fromEntries(sensible)).content);
        expect(content).toHaveLength(cluster.length);
        expect(defects).toEqual([{ path, reason }]);
      }),
    );
  });

  test('are all read, however many there are', () => {
    const cluster = Array.from({ length: 6000 }, (_, n) => ({
      unit: `app-${n}.service`,
      total: n,
      unhealthy: 0,
    }));
    const { content, defects } = readUnits(Object.fromEntries(asAgentWrites(cluster)));
    expect(content).toHaveLength(6000);
    expect(content.every(({ unit, total }) => unit === `app-${total}-service`)).toBe(true);
    expect(defects).toEqual([]);
  });
});

describe('the name of a unit', () => {
  test.each([
    ['dcos-history-service-service', 'service'],
    ['dcos-signal-timer', 'timer'],
    ['dcos-checks-api-socket', 'socket'],
    ['dev-sda1-device', 'device'],
    ['var-lib-mesos-mount', 'mount'],
    ['proc-sys-fs-binfmt_misc-automount', 'automount'],
    ['dev-sda2-swap', 'swap'],
    ['multi-user-target', 'target'],
    ['systemd-ask-password-console-path', 'path'],
    ['user-1000-slice', 'slice'],
    ['session-c1-scope', 'scope'],
    ['service', 'service'],
    ['dcos-signal', ''],
    ['dcos-timer-', ''],
    ['dcos-microservice', ''],
  ])('%s keeps its dashes and is of the type %j', (unit, type) => {
    const { content } = readUnits(reading(unit, 3, 1));
    expect(content).toEqual([{ unit, type, total: 3, unhealthy: 1 }]);
  });

  test('may look like the end of a key', () => {
    const sent = { ...reading('a', 5, 1), ...reading('a-total', 3, 0), ...reading('-total', 2, 2) };
    expect(readUnits(sent).content.map(({ unit, total }) => [unit, total])).toEqual([
      ['-total', 2],
      ['a', 5],
      ['a-total', 3],
    ]);
  });

  test('may be as long as systemd allows, but not longer', () => {
    const longest = 'x'.repeat(256);
    const { content, defects } = readUnits({
      ...reading(longest, 1, 0),
      [`health-unit-${longest}x-total`]: 1,
    });
    expect(content.map(({ unit }) => unit)).toEqual([longest]);
    expect(defects).toEqual([{ path: '[275]', reason: 'too_long' }]);
  });

  test.each(['a\u0000b', 'a\nb', '\u001b[31m', '\ud83d', ' a', 'a '])(
    'is not %j, which no terminal or database should hold',
    (unit) => {
      const { content, defects } = readUnits(reading(unit, 1, 0));
      expect(content).toEqual([]);
      expect(defects).toEqual([
        { path: `[${unit.length + 18}]`, reason: 'malformed' },
        { path: `[${unit.length + 22}]`, reason: 'malformed' },
      ]);
    },
  );

  test.each([
    'session-of-alice@corp-service',
    'session-of-alice@example.com',
    'node-7.corp.example.com-mount',
    'https://alice-service',
    '/home/alice-mount',
    'home\\x2dalice\\x2dprivate-mount',
    'dev-10.0.0.5-device',
    'fe80::1-device',
    'net-00:1b:63:84:45:e6-device',
    'net-00-1b-63-84-45-e6-device',
    'dev-disk-70b28f00-e38f-41b2-a723-aab344f535b9-device',
    'user-15551234567-slice',
    'docker-4f53cda18c2b-scope',
  ])('is not %s, which may be identifying', (unit) => {
    const { content, defects } = readUnits({ ...reading(unit, 1, 0), ...reading('a', 1, 0) });
    expect(content.map((it) => it.unit)).toEqual(['a']);
    expect(defects.map(({ reason }) => reason)).toEqual(['identifying', 'identifying']);
    expect(JSON.stringify(defects)).not.toMatch(/alice|corp|1b|80|0\.0|b28|555|4f53/);
  });

  test.each([
    ...['dcos-3dt-service', 'dcos-adminrouter-reload-timer', 'dcos-bouncer-legacy-service'],
    ...['dcos-checks-poststart-timer', 'dcos-cluster-linker-service', 'dcos-docker-gc-timer'],
    ...['dcos-fluent-bit-service', 'dcos-gen-resolvconf-service', 'dcos-log-master-socket'],
    ...['dcos-mesos-slave-public-service', 'dcos-minuteman-service', 'dcos-navstar-service'],
    ...['dcos-net-watchdog-service', 'dcos-oauth-service', 'dcos-pkgpanda-api-socket'],
    ...['dcos-rexray-service', 'dcos-spartan-watchdog-timer', 'dcos-telegraf-socket'],
    ...['dcos-ui-update-service-socket', 'dcos-vol-discovery-priv-agent-service'],
    ...['user-1000-slice', 'systemd-fsck-root-service', 'dev-mapper-vg0\\x2droot-device'],
    ...['run-user-1000-mount', 'var-lib-mesos\\x2dslave-mount', 'org-freedesktop-resolve1-busname'],
  ])('may be %s', (unit) => {
    expect(readUnits(reading(unit, 1, 0))).toMatchObject({ content: [{ unit }], defects: [] });
  });

  test.each([
    'clusterId',
    'health-unit-total',
    'health-unit--total',
    'health-unit-dcos-signal-service',
    'health-unit-dcos-signal-service-healthy',
    'HEALTH-UNIT-dcos-signal-service-total',
    'my-health-unit-dcos-signal-service-total',
    'health-unit-dcos-signal-service-total-',
    '__proto__',
  ])('is not in the key %s', (key) => {
    expect(parseUnitKey(key)).toBeNull();
    expect(readUnits(Object.fromEntries([[key, 1]]))).toEqual({ content: [], defects: [] });
  });
});

describe('a reading', () => {
  const partner: Record<string, string> = { total: 'unhealthy', unhealthy: 'total' };

  test.each([
    ['total', -1, 'negative'],
    ['total', 2.5, 'fractional'],
    ['total', 'many', 'not_a_number'],
    ['total', null, 'not_a_number'],
    ['total', 2 ** 31, 'out_of_range'],
    ['total', JSON.parse('1e999'), 'out_of_range'],
    ['unhealthy', -1, 'negative'],
    ['unhealthy', 0.5, 'fractional'],
    ['unhealthy', true, 'not_a_number'],
    ['unhealthy', 4, 'unhealthy_exceeds_total'],
  ])('whose %s is %j is left out as %s', (half, value, reason) => {
    const path = `health-unit-dcos-signal-timer-${half}`;
    const sent = { ...reading('dcos-signal-timer', 3, 3), [path]: value };
    expect(readUnits(sent)).toEqual({ content: [], defects: [{ path, reason }] });
  });

  test.each(['total', 'unhealthy'])('with only a %s is dropped', (half) => {
    const path = `health-unit-dcos-signal-timer-${half}`;
    const defects = [{ path, reason: 'without_partner' }];
    expect(readUnits({ [path]: 0 })).toEqual({ content: [], defects });
    const withStranger = { [path]: 0, [`health-unit-dcos-signal-${partner[half]}`]: 0 };
    expect(readUnits(withStranger).content).toEqual([]);
  });

  test('may have its numbers as text', () => {
    expect(readUnits(reading('a-timer', '3\n', '1')).content).toEqual([
      { unit: 'a-timer', type: 'timer', total: 3, unhealthy: 1 },
    ]);
  });

  test('may report that all nodes are healthy, all are unhealthy, or that no node exists', () => {
    for (const [total, unhealthy] of [
      [3, 0],
      [3, 3],
      [0, 0],
    ]) {
      expect(readUnits(reading('a-timer', total, unhealthy)).content).toMatchObject([
        { total, unhealthy },
      ]);
    }
  });
});

describe('a health report', () => {
  test('is one snapshot with parallel lists', () => {
    const sent = { ...reading('b-timer', 3, 1), ...reading('a', 2, 0) };
    expect(snapshotOf(sent)).toMatchObject({
      kind: 'health',
      units: ['a', 'b-timer'],
      unitTypes: ['', 'timer'],
      totals: [2, 3],
      unhealthy: [0, 1],
    });
  });

  test('has an id that depends on its content only', () => {
    const id = (sent: Properties) => snapshotOf(sent).id;
    const sent = { ...reading('a', 2, 0), ...reading('b', 3, 1) };
    expect(id({ ...reading('b', 3, 1), clusterId: 'x', ...reading('a', 2, 0) })).toBe(id(sent));
    const others = [
      reading('a', 2, 0),
      { ...sent, ...reading('c', 0, 0) },
      { ...reading('a', 2, 0), ...reading('c', 3, 1) },
      { ...sent, ...reading('a', 3, 0) },
      { ...sent, ...reading('a', 2, 1) },
      { ...reading('a', 3, 1), ...reading('b', 2, 0) },
    ];
    expect(new Set([sent, ...others].map(id)).size).toBe(7);
  });

  test('shares its unit set with all reports of the same units', () => {
    const calm = snapshotOf({ ...reading('a', 2, 0), ...reading('b', 3, 0) });
    const troubled = snapshotOf({ ...reading('b', 5, 5), ...reading('a', 1, 0) });
    const smaller = snapshotOf(reading('a', 2, 0));
    expect(troubled.unitSetId).toBe(calm.unitSetId);
    expect(troubled.id).not.toBe(calm.id);
    expect(smaller.unitSetId).not.toBe(calm.unitSetId);
  });

  test('without any valid reading is unusable, with a reason', () => {
    expect(readHealth({ clusterId: 'x' })).toEqual({ content: null, defects: [] });
    expect(readHealth({ 'health-unit-a-total': 1 })).toEqual({
      content: null,
      defects: [{ path: 'health-unit-a-total', reason: 'without_partner' }],
    });
  });
});

function snapshotOf(sent: Properties): HealthSnapshot {
  return readHealth(sent).content!.snapshot as HealthSnapshot;
}

function reading(unit: string, total: unknown, unhealthy: unknown): Properties {
  return { [`health-unit-${unit}-total`]: total, [`health-unit-${unit}-unhealthy`]: unhealthy };
}

interface Unit {
  unit: string;
  total: number;
  unhealthy: number;
}

/** dcos-signal turns the dots of a unit's name into dashes. */
function dashed(unit: string): string {
  return unit.replaceAll('.', '-');
}

function asAgentWrites(cluster: readonly Unit[]): [key: string, value: unknown][] {
  return cluster.flatMap(({ unit, total, unhealthy }) =>
    Object.entries(reading(dashed(unit), total, unhealthy)),
  );
}

/** The same entries in an order that the seed decides. */
function shuffled<T>(entries: readonly T[], seed: number): T[] {
  const rest = [...entries];
  const out: T[] = [];
  for (let n = seed; rest.length > 0; n = (n * 1_103_515_245 + 12_345) % 2_147_483_648) {
    out.push(...rest.splice(n % rest.length, 1));
  }
  return out;
}

/**
 * Names that systemd allows and that are not identifying; prefixes and suffixes of the keys
 * themselves are among them.
 */
const unitNames = fc.oneof(
  fc
    .stringMatching(/^[A-Za-z0-9:_\\@-]{1,40}\.(service|timer|socket|mount)$/)
    .filter((unit) => !isIdentifying(dashed(unit))),
  fc.constantFrom('a', 'a-total', 'a-unhealthy', 'health-unit-a', 'constructor', '__proto__'),
  fc.constantFrom('dcos-history-service.service', 'dcos-metrics-master.socket', 'dcos.target'),
);

const counts = fc
  .tuple(fc.nat(2_147_483_646), fc.nat(2_147_483_646))
  .map(([a, b]) => ({ total: Math.max(a, b), unhealthy: Math.min(a, b) }));

const clusters: fc.Arbitrary<Unit[]> = fc.uniqueArray(
  fc.tuple(unitNames, counts).map(([unit, count]) => ({ unit, ...count })),
  { selector: ({ unit }) => dashed(unit) },
);

const otherKeys = fc.array(
  fc.tuple(
    fc.constantFrom('clusterId', 'variant', 'health-unit-total', '__proto__', 'frameworks'),
    fc.jsonValue(),
  ),
);

const noCount = fc.constantFrom<[value: unknown, reason: string]>(
  [-1, 'negative'],
  [0.5, 'fractional'],
  ['x', 'not_a_number'],
  [null, 'not_a_number'],
  [{}, 'not_a_number'],
  [2 ** 40, 'out_of_range'],
);

/** One reading of a unit that no cluster has, with what must be said of it. */
const nonsense = noCount.chain(([value, reason]) => {
  const total = 'health-unit-nonsense-service-total';
  const unhealthy = 'health-unit-nonsense-service-unhealthy';
  return fc.constantFrom<{ sent: [string, unknown][]; path: string; reason: string }>(
    { sent: [[total, 3]], path: total, reason: 'without_partner' },
    { sent: [[unhealthy, 0]], path: unhealthy, reason: 'without_partner' },
    { sent: [...Object.entries({ [total]: value, [unhealthy]: 0 })], path: total, reason },
    { sent: [...Object.entries({ [total]: 3, [unhealthy]: value })], path: unhealthy, reason },
    {
      sent: [...Object.entries({ [total]: 3, [unhealthy]: 4 })],
      path: unhealthy,
      reason: 'unhealthy_exceeds_total',
    },
  );
});
