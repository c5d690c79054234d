import { describe, expect, test } from 'vitest';
import type { MetricSnapshot } from '../report.js';
import type { Properties } from '../vocabulary.js';
import { compileProduct } from './compile.js';
import type { ProductDeclaration } from './declaration.js';

type Figure = [metric: string, dimension: string, figure: number];

describe('an undeclared number', () => {
  test('is kept under its own name, whatever number it is, and a flag likewise', () => {
    const sent = { nodes: 3, delta: -1.5, zero: -0, isBatch: true, isLeader: false, none: null };
    expect(read(sent)).toEqual(
      exactly([
        ['delta', '', -1.5],
        ['isBatch', '', 1],
        ['isLeader', '', 0],
        ['nodes', '', 3],
        ['zero', '', 0],
      ]),
    );
  });

  test('may be in an object, by type', () => {
    const sent = { calls: { 'GET /alice': 1, get: 2, put: 3, text: 'x', deep: { a: 1 } } };
    expect(read(sent)).toEqual({
      figures: [
        ['calls', '*', 1],
        ['calls', 'get', 2],
        ['calls', 'put', 3],
      ],
      defects: [],
      dropped: ['calls', 'calls.deep'],
    });
  });

  test('is dropped if it may be identifying', () => {
    const sent = {
      account_id: 123456789012,
      userId: 7,
      phone: 15551234567,
      by: { user_id: 7, n: 1 },
    };
    expect(read(sent)).toEqual({
      figures: [['by', 'n', 1]],
      defects: [],
      dropped: ['account_id', 'by.user_id', 'phone', 'userId'],
    });
    const nameless = { 'alice@example.com': 1, '10.0.0.5': 2, 'of alice': { a: 3 } };
    expect(read(nameless).figures).toEqual([]);
    expect(read(nameless).dropped).toEqual(['[17]', '[8]']);
  });

  test('is dropped and recorded if any part of its name is identifying', () => {
    const sent = {
      phone: { work: 15551234567 },
      'account.value': 123456789012,
      customer_total: 3,
      owner: { ip_addr: 3232235777, seats: 4 },
      flags: { on: true },
      list: [1, 2],
    };
    expect(read(sent)).toEqual({
      figures: [
        ['customer_total', '', 3],
        ['owner', 'seats', 4],
      ],
      defects: [],
      dropped: ['account.value', 'flags.on', 'list', 'owner.ip_addr', 'phone.work'],
    });
  });

  test('is a defect if it means no limit', () => {
    const d = { x: 2 ** 31 - 1, y: 5, z: -(2 ** 31) };
    const sent = { a: 2 ** 63, b: 1.797e308, c: -(2 ** 63), d, e: 1e15, f: 2 ** 31 };
    const { figures, defects } = read(sent);
    expect(figures).toEqual([
      ['d', 'y', 5],
      ['e', '', 1e15],
      ['f', '', 2 ** 31],
    ]);
    expect(defects).toEqual(
      ['a', 'b', 'c', 'd.x', 'd.z'].map((path) => ({ path, reason: 'out_of_range' })),
    );
  });

  test('is added to others whose names are the same when numbers are taken out', () => {
    const sent = { n_123456: 1, n_654321: 2, 'x.123456': 4 };
    expect(read(sent).figures).toEqual([
      ['n_*', '', 3],
      ['x.*', '', 4],
    ]);
  });

  test('is a defect if it is not finite, wherever it is, and costs nothing else', () => {
    const sent = { a: 'NaN', b: '-Infinity', c: { d: 'Infinity', e: 1 }, f: '1e999', g: 2 };
    expect(read(sent)).toEqual({
      figures: [
        ['c', 'e', 1],
        ['g', '', 2],
      ],
      defects: [
        { path: 'a', reason: 'not_a_number' },
        { path: 'b', reason: 'not_a_number' },
        { path: 'c.d', reason: 'not_a_number' },
        { path: 'f', reason: 'out_of_range' },
      ],
      dropped: [],
    });
  });

  test('is ignored if the product declares so', () => {
    const product = { ignore: ['run_id', '$*'] };
    const sent = { run_id: 7, run_ids_seen: 1, $lib: 'posthog', $count: 7, run: 2 };
    expect(read(sent, product)).toEqual({
      figures: [
        ['run', '', 2],
        ['run_ids_seen', '', 1],
      ],
      defects: [],
      dropped: ['$lib'],
    });
  });

  test('is ignored if an SDK adds it, unless it is declared', () => {
    const noise = {
      ...{ $time: 1795238790.5, $screen_width: 1920, $is_server: true, $geoip_disable: true },
      ...{ '$feature/new-menu': true, $set: { seats: 5 }, $viewport: { width: 100 }, $x: 'NaN' },
    };
    expect(read({ ...noise, run: 2 })).toEqual(exactly([['run', '', 2]]));
    const metric = {
      name: 'time',
      property: '$time',
      kind: 'ratio',
      unit: 's',
      about: '',
    } as const;
    const happened = { about: 'It happened.', store: 'usage', metrics: [metric] } as const;
    const declared: Partial<ProductDeclaration> = {
      events: { happened: { ...happened, metrics: [...happened.metrics] } },
    };
    expect(read(noise, declared).figures).toEqual([['time', '', 1795238790.5]]);
  });

  test('loses the identifying part of its name if the product declares so', () => {
    const product = { collapse: ['node_count_*.'] };
    const sent = {
      'node_count_alice.total': 2,
      'node_count_bob.total': 3,
      'node_count_alice.example.com.aws_ec2_instance': 4,
      'node_count_Alice Smith.total': 5,
      'node_count_alice.10.0.0.5/x': 6,
      node_count: 7,
    };
    const { figures } = read(sent, product);
    expect(figures).toEqual([
      ['node_count', '', 7],
      ['node_count_*.[3]', '', 6],
      ['node_count_*.aws_ec2_instance', '', 4],
      ['node_count_*.total', '', 10],
    ]);
  });
});

describe('undeclared text', () => {
  test('is never kept, and its name is noted', () => {
    const sent = { note: 'alice', notes: ['alice'], by: { name: 'alice' }, empty: '', count: '7' };
    expect(read(sent)).toEqual({
      figures: [],
      defects: [],
      dropped: ['by', 'count', 'note', 'notes'],
    });
  });

  test('is not a number after it was replaced by its length', () => {
    const sent = { note: { $length: 5 }, notes: [{ $length: 5 }], by: { name: { $length: 5 } } };
    expect(read(sent)).toEqual({ figures: [], defects: [], dropped: ['by', 'note', 'notes'] });
  });
});

function exactly(figures: Figure[]) {
  return { figures, defects: [], dropped: [] };
}

function read(properties: Properties, changes: Partial<ProductDeclaration> = {}) {
  const happened = { about: 'It happened.', store: 'usage' } as const;
  const product = { product: 'acme', about: 'A tool.', events: { happened }, ...changes };
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
