import { describe, expect, test } from 'vitest';
import type { MetricSnapshot, ReportContent } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { compileProduct } from './compile.js';
import type { EventDeclaration, MetricDeclaration } from './declaration.js';

const count = (name: string): MetricDeclaration => ({ name, kind: 'count', unit: '1', about: 'x' });

describe('a report of metrics', () => {
  const state = { about: 'The state.', store: 'metrics', metrics: [count('projects')] } as const;

  test('is a snapshot of its figures, in one order', () => {
    const { content, defects } = read(state, { projects: 3, machines: 2, version: '1.0' });
    expect(content).toEqual({
      snapshot: {
        kind: 'metrics',
        id: expect.any(String),
        contentId: expect.any(String),
        metricSetId: expect.any(String),
        event: 'happened',
        outcome: '',
        describes: false,
        metrics: ['machines', 'projects'],
        dimensions: ['', ''],
        figures: [2, 3],
      },
    });
    expect(defects).toEqual([]);
  });

  test('is empty where it holds no property at all', () => {
    expect(read(state, {})).toEqual({ content: 'empty', defects: [] });
  });

  test('without a single value is unusable, with a reason', () => {
    for (const sent of [{ projects: null }, { note: 'alice' }, { version: '1.0' }]) {
      expect(read(state, sent)).toEqual({ content: null, defects: [] });
    }
    const defects = [{ path: 'projects', reason: 'not_a_number' }];
    expect(read(state, { projects: 'many' })).toEqual({ content: null, defects });
  });

  test('shares its set of metrics with all reports of the same metrics', () => {
    const one = snapshotOf(state, { projects: 3, machines: 2 });
    const other = snapshotOf(state, { machines: 7, projects: 1 });
    const more = snapshotOf(state, { machines: 7, projects: 1, users: 2 });
    expect(other.metricSetId).toBe(one.metricSetId);
    expect(other.id).not.toBe(one.id);
    expect(more.metricSetId).not.toBe(one.metricSetId);
  });
});

describe('a usage event', () => {
  const happened = { about: 'It happened.', store: 'usage' } as const;

  test('is one, though it holds nothing', () => {
    for (const sent of [{}, { note: 'alice' }, { a: null }]) {
      expect(snapshotOf(happened, sent)).toMatchObject({ event: 'happened', metrics: [] });
    }
  });

  test('is another where it is another event, ends otherwise, or describes its installation', () => {
    const outcome = { property: 'ok', values: { true: 'succeeded', false: 'failed' } };
    const ids = [
      snapshotOf(happened, { ok: true }),
      snapshotOf({ ...happened, outcome }, { ok: true }),
      snapshotOf({ ...happened, outcome }, { ok: false }),
      snapshotOf({ ...happened, describes: true }, { ok: true }),
      snapshotOf(happened, { ok: true }, 'other'),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has the declared consent of the installation, and ignores other values', () => {
    const { content } = read({ ...happened, consent: 'opted_out' }, {});
    expect(content).toMatchObject({ consent: 'opted_out' });
    expect(read(happened, { consent: 'opted_out' }).content).not.toHaveProperty('consent');
  });
});

describe('the outcome of an event', () => {
  const done: EventDeclaration = {
    about: 'It is done.',
    store: 'usage',
    outcome: { property: 'success', values: { true: 'succeeded', false: 'failed', 7: 'odd' } },
    metrics: [{ ...count('jobs'), perEvent: true }],
  };

  test.each([
    [true, 'succeeded'],
    [false, 'failed'],
    ['true', 'succeeded'],
    [7, 'odd'],
    ['7', 'odd'],
  ])('of %j is %s, under which the event is counted', (success, outcome) => {
    expect(snapshotOf(done, { success })).toMatchObject({
      outcome,
      metrics: ['jobs'],
      dimensions: [outcome],
      figures: [1],
    });
  });

  test.each([undefined, null, 'alice', 'TRUE', '', 1, {}, 'constructor', '__proto__'])(
    'is not %j, which is kept nowhere',
    (success) => {
      const { content, dropped } = read(done, { success });
      expect(content).toMatchObject({
        snapshot: { outcome: '', metrics: ['jobs'], dimensions: [''], figures: [1] },
      });
      expect(JSON.stringify({ content, dropped })).not.toMatch(/alice/);
    },
  );

  test('is recorded as dropped if the declaration has no such value', () => {
    for (const success of ['alice', 1, { a: 1 }]) {
      expect(read(done, { success }).dropped).toEqual(['success']);
    }
    for (const success of [undefined, null, '', {}, true]) {
      expect(read(done, { success }).dropped).toEqual([]);
    }
    const read7 = { ...done, metrics: [count('success')] };
    expect(read(read7, { success: 8 }).dropped).toEqual([]);
  });
});

describe('a metric that counts the event itself', () => {
  const stopped: EventDeclaration = {
    about: 'It stopped.',
    store: 'usage',
    metrics: [
      { ...count('stops'), perEvent: true },
      { ...count('long_runs'), perEvent: { property: 'seconds', moreThan: 3600 } },
      { ...count('seconds'), kind: 'duration' },
    ],
  };

  test('is 1, and with a limit only where a property is above it', () => {
    for (const seconds of [3600.5, 3601, '4000']) {
      expect(snapshotOf(stopped, { seconds })).toMatchObject({
        metrics: ['long_runs', 'seconds', 'stops'],
        figures: [1, Number(seconds), 1],
      });
    }
    for (const seconds of [0, 3600, '3600']) {
      expect(snapshotOf(stopped, { seconds }).metrics).toEqual(['seconds', 'stops']);
    }
    for (const seconds of [null, 'long', -4000, {}]) {
      expect(snapshotOf(stopped, { seconds }).metrics).toEqual(['stops']);
    }
  });
});

describe('a property with the name of a metric that is read from elsewhere', () => {
  const done: EventDeclaration = {
    about: 'It is done.',
    store: 'usage',
    metrics: [
      { ...count('duration_s'), property: 'seconds' },
      { ...count('jobs'), perEvent: true },
    ],
  };

  test('is not added to that metric, and recorded as dropped', () => {
    for (const value of [7, false, '7', 'NaN', [7], { a: 7 }]) {
      const { content, dropped } = read(done, { seconds: 3, duration_s: value, jobs: value });
      expect(content).toMatchObject({
        snapshot: { metrics: ['duration_s', 'jobs'], figures: [3, 1] },
      });
      expect(dropped).toEqual(['duration_s', 'jobs']);
    }
    expect(read(done, { duration_s: null, jobs: '' }).dropped).toEqual([]);
  });
});

describe('the resources of a machine', () => {
  const started: EventDeclaration = {
    about: 'It started.',
    store: 'metrics',
    resources: {
      cpuTotal: { property: 'cpus', unit: 'cores' },
      cpuPercent: { property: 'cpu', unit: 'percent' },
      memTotalMb: { property: 'mem', unit: 'bytes' },
      memUsedMb: { property: 'mem', minus: 'free', unit: 'bytes' },
    },
  };
  const MB = 1024 * 1024;

  test('are in megabytes where they are sent in bytes, and what is used is the rest', () => {
    const sent = { cpus: 8, cpu: '12.5', mem: 16 * MB, free: 4 * MB };
    const { content, defects } = read(started, sent);
    expect(content).toMatchObject({
      resources: {
        cpuTotal: 8,
        cpuPercent: 12.5,
        memTotalMb: 16,
        memUsedMb: 12,
        cpuUsed: null,
        diskTotalMb: null,
        agentsActive: null,
      },
    });
    expect(content).toMatchObject({ snapshot: { metrics: ['cpus', 'free', 'mem'] } });
    expect(defects).toEqual([]);
  });

  test('are null where the agent gave none, or nothing that makes sense', () => {
    for (const [sent, expected] of [
      [{ mem: 16 * MB }, { memTotalMb: 16, memUsedMb: null }],
      [
        { mem: 16 * MB, free: 'much' },
        { memTotalMb: 16, memUsedMb: null },
      ],
      [
        { mem: 16 * MB, free: 17 * MB },
        { memTotalMb: 16, memUsedMb: null },
      ],
      [
        { cpus: -1, mem: 0, free: 0 },
        { cpuTotal: null, memTotalMb: 0, memUsedMb: 0 },
      ],
    ] as const) {
      expect(read(started, sent).content).toMatchObject({ resources: expected });
    }
    expect(read(started, { projects: 1 }).content).not.toHaveProperty('resources');
    expect(read(started, { cpus: 'many', projects: 1 }).content).not.toHaveProperty('resources');
  });
});

function read(event: EventDeclaration, properties: Properties, name = 'happened') {
  const product = { product: 'acme', about: 'A tool.', events: { [name]: event } };
  const installationId = '70b28f00-e38f-41b2-a723-aab344f535b9';
  const envelope = { receivedAt: 1, product: 'acme', installationId, event: name, properties };
  return compileProduct(product).find(name)!.read(properties, envelope);
}

function snapshotOf(event: EventDeclaration, properties: Properties, name?: string) {
  return (read(event, properties, name).content as ReportContent).snapshot as MetricSnapshot;
}
