import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FrameworkSnapshot } from '../report.js';
import type { ResourceFigures } from '../resource-figures.js';
import type { Properties } from '../vocabulary.js';
import { readMesosTrack } from './resources.js';

const figures: [key: string, figure: keyof ResourceFigures, isCount: boolean][] = [
  ['cpu_total', 'cpuTotal', false],
  ['cpu_used', 'cpuUsed', false],
  ['mem_total', 'memTotalMb', false],
  ['mem_used', 'memUsedMb', false],
  ['disk_total', 'diskTotalMb', false],
  ['disk_used', 'diskUsedMb', false],
  ['agents_active', 'agentsActive', true],
  ['agents_connected', 'agentsConnected', true],
  ['task_count', 'taskCount', true],
  ['framework_count', 'frameworkCount', true],
];

describe('the figures of a cluster', () => {
  test('each stand where they belong, and null where the agent gave none', () => {
    fc.assert(
      fc.property(sentFigures, (sent) => {
        const { content, defects } = readMesosTrack({ ...sent, frameworks: [{ name: 'a' }] });
        const expected = figures.map(([key, figure]) => [figure, sent[key] ?? null]);
        expect(content!.resources).toEqual({ ...Object.fromEntries(expected), cpuPercent: null });
        expect(defects).toEqual([]);
      }),
    );
  });

  test.each(figures)('keep their siblings when %s is nonsense', (key, figure) => {
    const sent = Object.fromEntries(figures.map(([name]) => [name, 1]));
    const expected = Object.fromEntries(figures.map(([, name]) => [name, 1]));
    for (const [value, reason] of [
      ['many', 'not_a_number'],
      [null, 'not_a_number'],
      [-1, 'negative'],
      [JSON.parse('1e999'), 'out_of_range'],
      [1e18, 'out_of_range'],
      [Number.MAX_VALUE, 'out_of_range'],
      [2 ** 31 - 1, 'out_of_range'],
      [2 ** 63, 'out_of_range'],
    ] as const) {
      const { content, defects } = readMesosTrack({ ...sent, [key]: value });
      expect(content!.resources).toEqual({ ...expected, cpuPercent: null, [figure]: null });
      expect(defects).toEqual([{ path: key, reason }]);
    }
  });

  test('may be fractions where they measure, and are whole where they count', () => {
    for (const [key, figure, isCount] of figures) {
      const { content, defects } = readMesosTrack({ [key]: 3.35, frameworks: [{ name: 'a' }] });
      expect(content!.resources![figure]).toBe(isCount ? null : 3.35);
      expect(defects).toEqual(isCount ? [{ path: key, reason: 'fractional' }] : []);
    }
  });

  test('are mended where they were sent as text, and 0 is a figure', () => {
    const { content } = readMesosTrack({ cpu_total: '12\n', cpu_used: 0, mem_used: -0 });
    expect(content!.resources).toMatchObject({ cpuTotal: 12, cpuUsed: 0, memUsedMb: 0 });
  });

  test('are not what every object inherits', () => {
    const sent = Object.create({ cpu_total: 12 }) as Properties;
    expect(readMesosTrack(sent).content).toBeNull();
  });
});

describe('the frameworks of a cluster', () => {
  test('are counted by name, in one order whatever theirs was', () => {
    const names = fc.array(fc.constantFrom('marathon', 'metronome', 'kafka-プロド', 'Kafka', '10'));
    fc.assert(
      fc.property(names, fc.nat(), (sent, turn) => {
        const list = sent.map((name) => ({ name, role: 'x' }));
        const turned = [...list.slice(turn % 7), ...list.slice(0, turn % 7)].reverse();
        const { snapshot, defects } = read({ cpu_total: 1, frameworks: list });
        expect(snapshot.frameworks).toEqual([...new Set(sent)].sort());
        expect(snapshot.instances).toEqual(
          snapshot.frameworks.map((name) => sent.filter((it) => it === name).length),
        );
        expect(defects).toEqual([]);
        expect(read({ cpu_total: 2, frameworks: turned }).snapshot).toEqual(snapshot);
      }),
    );
  });

  test.each([[{ frameworks: null }], [{ frameworks: [] }], [{}]])(
    'may be none: %j',
    (sent: Properties) => {
      const { snapshot, defects } = read({ ...sent, framework_count: 0 });
      expect(snapshot).toMatchObject({ kind: 'frameworks', frameworks: [], instances: [] });
      expect(defects).toEqual([]);
    },
  );

  test('keep their siblings when one has no name', () => {
    const list = [{ name: 'a' }, { name: '' }, { name: 7 }, {}, null, 'b', { name: 'c' }];
    const tooLong = [{ name: 'x'.repeat(256) }, { name: 'x'.repeat(257) }];
    const { snapshot, defects } = read({ frameworks: [...list, ...tooLong] });
    expect(snapshot.frameworks).toEqual(['a', 'c', 'x'.repeat(256)]);
    expect(defects).toEqual([
      { path: 'frameworks[1].name', reason: 'malformed' },
      { path: 'frameworks[2].name', reason: 'not_text' },
      { path: 'frameworks[3].name', reason: 'not_text' },
      { path: 'frameworks[4].name', reason: 'not_text' },
      { path: 'frameworks[5].name', reason: 'not_text' },
      { path: 'frameworks[8].name', reason: 'too_long' },
    ]);
  });

  test.each([
    ...['marathon', 'marathon-user', 'metronome', 'Jenkins Scheduler', 'chronos-2.4.0', 'kafka_2'],
    ...[
      'Spark(prod)',
      'cassandra.dcos',
      'org.apache.spark',
      'kafka:2',
      'c++',
      'Beta-Kafka Master',
      'kafka-プロド',
    ],
  ])('may be called %s', (name) => {
    const { snapshot, defects } = read({ frameworks: [{ name }] });
    expect(snapshot.frameworks).toEqual([name]);
    expect(defects).toEqual([]);
  });

  test.each([
    ...['alice@example.com', 'Spark of alice@corp', 'https://alice', 'node-7.corp.example.com'],
    ...['10.0.0.5', 'Spark on 10.0.0.5', 'Spark on 10.0.0.5.', 'fe80::1', '/prod/alice'],
    ...[
      'prod/alice',
      '\\\\corp\\alice',
      'spark 20261121052630',
      '+1 555 123 4567',
      '(555) 123-4567-89',
    ],
    ...['00:1b:63:84:45:e6', '70b28f00-e38f-41b2-a723-aab344f535b9', 'job 9f86d081884c7d65', '<b>'],
    ...['Kafka of Alice', 'Alice Smith', 'Spark (prod)', '(kafka)', 'Kafka: プロド'],
  ])('are not named %s, which may be identifying', (name) => {
    const { snapshot, defects } = read({ frameworks: [{ name: 'a' }, { name }] });
    expect(snapshot.frameworks).toEqual(['a']);
    expect(defects).toEqual([{ path: 'frameworks[1].name', reason: 'identifying' }]);
  });

  test('may be no list, which leaves the figures as they are', () => {
    const { content, defects } = readMesosTrack({ cpu_total: 12, frameworks: 'marathon' });
    expect(content!.resources!.cpuTotal).toBe(12);
    expect(defects).toEqual([{ path: 'frameworks', reason: 'not_a_list' }]);
  });

  test('have an id of their names and numbers alone', () => {
    const id = (...names: string[]) =>
      read({ cpu_total: 1, frameworks: names.map((name) => ({ name })) }).snapshot.id;
    const ids = [id('a'), id('a', 'a'), id('b'), id('a', 'b'), id('a-b'), id()];
    expect(new Set(ids).size).toBe(ids.length);
    expect(id('b', 'a')).toBe(id('a', 'b'));
  });
});

test('a report without a figure and without a framework is of no use', () => {
  const useless = [
    {},
    { clusterId: 'x' },
    { frameworks: [] },
    { cpu_total: 'x', frameworks: null },
  ];
  for (const sent of useless) expect(readMesosTrack(sent).content).toBeNull();
  for (const sent of [{ cpu_used: 0 }, { frameworks: [{ name: 'a' }] }]) {
    expect(readMesosTrack(sent).content).not.toBeNull();
  }
});

function read(sent: Properties) {
  const { content, defects } = readMesosTrack(sent);
  return { snapshot: content!.snapshot as FrameworkSnapshot, defects };
}

const sentFigures: fc.Arbitrary<Record<string, number | undefined>> = fc.record(
  Object.fromEntries(
    figures.map(([key, , isCount]) => [
      key,
      isCount ? fc.nat(2_147_483_646) : fc.double({ min: 0, max: 1e7, noNaN: true }),
    ]),
  ),
  { requiredKeys: [] },
);
