import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxAnonymous } from '../privacy/number-names.js';
import type { MetricSnapshot } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { compileProduct } from './compile.js';
import type { MetricDeclaration, MetricKind } from './declaration.js';

type Figure = [metric: string, dimension: string, figure: number];

describe('a declared metric', () => {
  test.each<[MetricKind, unknown, number]>([
    ['count', 3, 3],
    ['count', 0, 0],
    ['count', '3\n', 3],
    ['ratio', 12.5, 12.5],
    ['bytes', 33_567_383_552, 33_567_383_552],
    ['duration', 0.25, 0.25],
    ['duration', '1e3', 1000],
    ['flag', true, 1],
    ['flag', false, 0],
    ['flag', 1, 1],
    ['flag', 0, 0],
    ['date', '2026-11-21', Date.parse('2026-11-21T00:00:00Z') / 1000],
    ['date', '2026-11-21T05:26:30Z', Date.parse('2026-11-21T05:26:30Z') / 1000],
    ['date', '2026-11-21T05:26:30.999+01:00', Date.parse('2026-11-21T04:26:30Z') / 1000],
    ['date', '1970-01-02', 86_400],
    ['counts', 7, 7],
  ])('that is a %s may be %j', (kind, raw, figure) => {
    expect(read([metric(kind)], { it: raw })).toEqual(exactly([['it', '', figure]]));
  });

  test.each<[MetricKind, unknown, string]>([
    ['count', 'many', 'not_a_number'],
    ['count', -1, 'negative'],
    ['count', 0.5, 'fractional'],
    ['count', 2 ** 31, 'out_of_range'],
    ['count', true, 'not_a_number'],
    ['count', [3], 'not_a_number'],
    ['count', { $length: 1 }, 'not_a_number'],
    ['ratio', -0.5, 'negative'],
    ['bytes', '1 KB', 'not_a_number'],
    ['duration', JSON.parse('1e999'), 'out_of_range'],
    ['flag', 'yes', 'not_a_flag'],
    ['flag', 2, 'not_a_flag'],
    ['flag', {}, 'not_a_flag'],
    ['date', 'yesterday', 'not_a_timestamp'],
    ['date', '2026-02-30', 'not_a_timestamp'],
    ['date', 1_795_238_790, 'not_a_timestamp'],
    ['date', '0001-01-01T00:00:00Z', 'out_of_range'],
    ['date', '1970-01-01', 'out_of_range'],
    ['date', '9999-12-31', 'out_of_range'],
    ['ratio', 1e7, 'out_of_range'],
    ['bytes', 2 ** 63, 'out_of_range'],
    ['bytes', 2 ** 61, 'out_of_range'],
    ['duration', 1e18, 'out_of_range'],
    ['duration', Number.MAX_VALUE, 'out_of_range'],
    ['counts', 2 ** 31 - 1, 'out_of_range'],
    ['counts', 1e18, 'out_of_range'],
    ['counts', -7, 'negative'],
    ['counts', false, 'not_a_number'],
  ])('that is a %s is not %j', (kind, raw, reason) => {
    const { figures, defects, dropped } = read([metric(kind), metric('count', 'other')], {
      it: raw,
      other: 1,
    });
    expect(figures).toEqual([['other', '', 1]]);
    expect(defects).toEqual([{ path: 'it', reason }]);
    expect(dropped).toEqual([]);
  });

  test.each<MetricKind>(['count', 'counts', 'ratio', 'bytes', 'duration', 'flag', 'date'])(
    'that is a %s counts as missing if it is null',
    (kind) => {
      expect(read([metric(kind)], { it: null })).toEqual(exactly([]));
      expect(read([metric(kind)], {})).toEqual(exactly([]));
    },
  );

  test('is read from its declared property only', () => {
    const declared = { ...metric('duration', 'duration_s'), property: 'total_seconds' };
    expect(read([declared], { total_seconds: 7 })).toEqual(exactly([['duration_s', '', 7]]));
    expect(read([declared], { total_seconds: 'long' }).defects).toEqual([
      { path: 'total_seconds', reason: 'not_a_number' },
    ]);
  });
});

describe('a metric that counts types', () => {
  const kinds = { ...metric('counts'), types: ['Job', 'Workflow'] };

  test('may be an object of numbers, a list of types, or the one type', () => {
    const both: Figure[] = [
      ['it', 'Job', 2],
      ['it', 'Workflow', 1],
    ];
    expect(read([kinds], { it: { Workflow: 1, Job: '2' } })).toEqual(exactly(both));
    expect(read([kinds], { it: ['Job', 'Workflow', 'Job'] })).toEqual(exactly(both));
    expect(read([kinds], { it: 'Job' })).toEqual(exactly([['it', 'Job', 1]]));
    expect(read([kinds], { it: 7 })).toEqual(exactly([['it', '', 7]]));
    expect(read([kinds], { it: 'of Alice' })).toEqual({
      ...exactly([['it', '*', 1]]),
      dropped: ['it.[8]'],
    });
    expect(read([metric('counts')], { it: ['aws', 'op_=~'] })).toEqual(
      exactly([
        ['it', 'aws', 1],
        ['it', 'op_=~', 1],
      ]),
    );
    for (const none of [[], {}, { Job: null }])
      expect(read([kinds], { it: none })).toEqual(exactly([]));
  });

  test('may have types of types', () => {
    const it = { Query: { ok: 3, failed: { deep: 1 } }, Insert: 2 };
    expect(read([metric('counts')], { it })).toEqual(
      exactly([
        ['it', 'Insert', 2],
        ['it', 'Query/failed/deep', 1],
        ['it', 'Query/ok', 3],
      ]),
    );
    const tooDeep = read([metric('counts')], { it: { a: { b: { c: { d: 1 } } } } });
    expect(tooDeep).toEqual({
      figures: [],
      defects: [{ path: 'it.a.b.c', reason: 'not_a_number' }],
      dropped: [],
    });
  });

  test('counts types without an allowed name together, and records what was dropped', () => {
    expect(read([kinds], { it: { Job: 1, Other: 2, More: 3 } })).toEqual({
      figures: [
        ['it', '*', 5],
        ['it', 'Job', 1],
      ],
      defects: [],
      dropped: ['it.More', 'it.Other'],
    });
    expect(read([kinds], { it: ['Job', 'alice'] }).dropped).toEqual(['it.[5]']);
    expect(read([kinds], { it: 'alice' }).dropped).toEqual(['it.[5]']);
    const people = ['alice@example.com', 'Alice Smith', '10.0.0.5', 'node-7.corp.example.com'];
    const { figures, dropped } = read([metric('counts')], { it: people });
    expect(figures).toEqual([['it', '*', 4]]);
    expect(dropped).toHaveLength(4);
    expect(JSON.stringify(dropped)).not.toMatch(/alice|10\.0|node|corp|example/i);
  });

  test('loses only the numbers that are none', () => {
    const it = { Job: 1, Workflow: 'many', 'alice@example.com': -1 };
    expect(read([kinds], { it })).toEqual({
      figures: [['it', 'Job', 1]],
      defects: [
        { path: 'it.Workflow', reason: 'not_a_number' },
        { path: 'it.[17]', reason: 'negative' },
      ],
      dropped: ['it.[17]'],
    });
    expect(read([kinds], { it: ['Job', 7, null] }).defects).toEqual([
      { path: 'it', reason: 'not_text' },
      { path: 'it', reason: 'not_text' },
    ]);
  });

  test('may have types whose names hold blanks, where they are declared', () => {
    const types = ['Azure Web App', 'Azure Cloud Service'];
    expect(read([{ ...kinds, types }], { it: [...types, 'Azure Web App'] })).toEqual(
      exactly([
        ['it', 'Azure Cloud Service', 1],
        ['it', 'Azure Web App', 2],
      ]),
    );
  });

  test('does not count text that was replaced by its length', () => {
    for (const it of [{ $length: 5 }, [{ $length: 5 }], { Job: { $length: 5 } }]) {
      expect(read([metric('counts')], { it }).figures).toEqual([]);
    }
  });

  test('counts as many as there are in all, whatever they are called', () => {
    const names = fc.string().filter((name) => maxAnonymous(name) > 1000);
    const types = fc.dictionary(names, fc.nat(1000), { maxKeys: 20 });
    fc.assert(
      fc.property(types, (it) => {
        const { figures, defects } = read([metric('counts')], { it });
        const sum = Object.values(it).reduce((one, other) => one + other, 0);
        expect(figures.reduce((total, [, , figure]) => total + figure, 0)).toBe(sum);
        expect(defects).toEqual([]);
      }),
    );
  });
});

describe('the sender’s names of types', () => {
  const counts = metric('counts');

  test('exclude numbers that may be identifying, at any depth', () => {
    const it = { account_id: 123456789012, phone: 15551234567, customer_no: 7, Job: 3 };
    expect(read([counts], { it })).toEqual({
      figures: [['it', 'Job', 3]],
      defects: [],
      dropped: ['it.account_id', 'it.customer_no', 'it.phone'],
    });
    const nested = { owner: { phone: { work: '15551234567' } }, accounts: 123456789012, a: 1 };
    expect(read([counts], { it: nested })).toEqual({
      figures: [['it', 'a', 1]],
      defects: [],
      dropped: ['it.accounts', 'it.owner.phone.work'],
    });
  });

  test('add no such number to those that are counted together', () => {
    const declared = { ...counts, types: ['Job', 'phone'] };
    expect(read([declared], { it: { account_id: 123456789012, phone: 3, other: 4 } })).toEqual({
      figures: [
        ['it', '*', 4],
        ['it', 'phone', 3],
      ],
      defects: [],
      dropped: ['it.account_id', 'it.other'],
    });
  });
});

describe('the bound of a list or an object', () => {
  const packages = (count: number) => Array.from({ length: count }, (_, n) => `package-${n}`);
  const byName = (count: number) => Object.fromEntries(packages(count).map((name) => [name, 1]));

  test.each<[string, (count: number) => unknown]>([
    ['list', packages],
    ['object', byName],
  ])('of a %s is 5,000: all are kept, and of more how many were left out', (_, make) => {
    expect(read([metric('counts')], { it: make(5000) })).toMatchObject({
      figures: { length: 5000 },
      defects: [],
    });
    for (const metrics of [[metric('counts')], []]) {
      if (metrics.length === 0 && Array.isArray(make(1))) continue;
      const { figures, defects } = read(metrics, { it: make(6000) });
      expect(figures).toHaveLength(5000);
      expect(defects).toEqual([{ path: 'it', reason: 'too_many', leftOut: 1000 }]);
    }
  });

  test('of an object leaves the same entries, in whatever order they are sent', () => {
    const sent = byName(6000);
    const turned = Object.fromEntries(Object.entries(sent).reverse());
    expect(read([metric('counts')], { it: turned })).toEqual(
      read([metric('counts')], { it: sent }),
    );
  });
});

test('the largest plausible figure of a metric may be declared', () => {
  const declared = { ...metric('count'), most: 1e12 };
  expect(read([declared], { it: 1e12 }).figures).toEqual([['it', '', 1e12]]);
  expect(read([{ ...declared, most: 10 }], { it: 11 }).defects).toEqual([
    { path: 'it', reason: 'out_of_range' },
  ]);
});

test('the figures of an event do not depend on the order of its properties', () => {
  const sent = fc.dictionary(
    fc.constantFrom('it', 'a', 'b', 'n_123456', 'n_654321', 'note'),
    fc.oneof(fc.nat(9), fc.boolean(), fc.constant('x'), fc.constant({ x: 1, y: 2 })),
  );
  fc.assert(
    fc.property(sent, (properties) => {
      const turned = Object.fromEntries(Object.entries(properties).reverse());
      expect(read([metric('counts')], turned)).toEqual(read([metric('counts')], properties));
    }),
  );
});

function metric(kind: MetricKind, name = 'it'): MetricDeclaration {
  return { name, kind, unit: '1', about: 'A figure.' };
}

function exactly(figures: Figure[]) {
  return { figures, defects: [], dropped: [] };
}

function read(metrics: MetricDeclaration[], properties: Properties) {
  const happened = { about: 'It happened.', store: 'usage', metrics } as const;
  const product = { product: 'acme', about: 'A tool.', events: { happened } };
  const installationId = '70b28f00-e38f-41b2-a723-aab344f535b9';
  const envelope = { receivedAt: 1, product: 'acme', installationId, event: 'happened' };
  const event = compileProduct(product).find('happened')!;
  const { content, defects, dropped } = event.read(properties, { ...envelope, properties });
  const { snapshot } = content as { snapshot: MetricSnapshot };
  const figures = snapshot.metrics.map((name, n): Figure => {
    return [name, snapshot.dimensions[n]!, snapshot.figures[n]!];
  });
  return { figures, defects, dropped };
}
