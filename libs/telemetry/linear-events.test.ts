import { expect, test } from 'vitest';
import type { RequestContext } from './envelope.js';
import { preview } from './preview/preview.js';
import type { Hints } from './preview/any-dialect.js';
import { compileProducts } from './products/index.js';

/*
 * Senders choose how many properties an event has, and what they are called. Time is compared with time: four times
 * as much may take four times as long, but a quadratic reader takes sixteen times as long.
 */
const SIZES = [250, 300, 400];
const TIMES = 4;
const MOST = 8;
/** Below this a duration is mostly noise. */
const FLOOR_MS = 2;

const ID = '70b28f00-e38f-41b2-a723-aab344f535b9';
/** Different for every property of every event, because readers remember the names that they have seen. */
let serial = 100_000;
const next = () => (serial += 1);

const many = <T>(count: number, make: () => T) => Array.from({ length: count }, make);
const object = (count: number, entry: () => [string, unknown]) =>
  Object.fromEntries(many(count, entry));
const deep = (inner: unknown, levels = 15): unknown =>
  levels === 0 ? inner : { deeper: deep(inner, levels - 1) };
const types = (count: number) => object(count, () => [`t${next()}`, 1]);

/** Properties of a size. Their names are those that the products read, and others. */
const SHAPES: Record<string, (size: number) => object> = {
  'keys that are replaced by their length': (n) => object(n, () => [`a ${next()}`, 1]),
  'keys with numbers that are removed': (n) => object(n, () => [`node_${next()}.total`, 1]),
  'keys that look like replaced ones': (n) => ({
    ...Object.fromEntries(Array.from({ length: n }, (_, at) => [`[8]~${at + 2}`, 1])),
    ...object(n, () => [`a ${next()}`, 1]),
  }),
  'distinct keys': (n) => object(n, () => [`key_${next()}x`, 1]),
  'distinct keys with text': (n) => object(n, () => [`key_${next()}x`, 'text']),
  'distinct keys with objects': (n) =>
    object(n, () => [`key_${next()}x`, { a: 1, b: 'text', c: [2] }]),
  'a long key above many texts': (n) => ({
    ['k'.repeat(200 * n)]: object(n, () => [`key_${next()}x`, 'text']),
  }),
  'a long name of a unit above many texts': (n) => ({
    [`health-unit-${'k'.repeat(200 * n)}`]: object(n, () => [`key_${next()}-total`, '3']),
  }),
  'types of a metric': (n) => ({ calls: types(n) }),
  'deep types of a declared metric': (n) => ({
    api_calls: object(n / 20, () => [`t${next()}`, types(20)]),
    command_names: object(n / 20, () => [`t${next()}`, types(20)]),
  }),
  'types that are replaced': (n) => ({ api_calls: object(n, () => [`of alice ${next()}`, 1]) }),
  'items of lists': (n) => ({
    list: many(n, () => `item ${next()}`),
    command_names: many(n, () => `c${next()}`),
  }),
  'lists of lists': (n) => ({ list: many(n, () => [[1, 'text'], []]) }),
  'long values': (n) => object(n / 5, () => [`key_${next()}x`, 'long '.repeat(400)]),
  'one long value': (n) => ({
    ...{
      version: '1.'.repeat(200 * n),
      message: 'a.b@'.repeat(200 * n),
      path: '/'.repeat(200 * n),
    },
  }),
  'deep objects': (n) => object(n / 5, () => [`key_${next()}x`, deep('text')]),
  units: (n) => {
    const units = many(n, () => `health-unit-u${next()}x`);
    const keys = units.flatMap((unit) => [`${unit}-total`, `${unit}-unhealthy`]);
    return Object.fromEntries(keys.map((key) => [key, 1]));
  },
  'units without a partner': (n) => object(n, () => [`health-unit-u${next()}x-total`, 3]),
  packages: (n) => ({ package_list: many(n, () => ({ name: `p${next()}x`, version: '1.0' })) }),
  'packages without a name': (n) => ({ package_list: many(n, () => ({ name: `p ${next()}` })) }),
  frameworks: (n) => ({ frameworks: many(n, () => ({ name: `f${next()}x` })) }),
  errors: (n) => ({ $exception_list: many(n, () => ({ type: `E${next()}x`, value: 'failed' })) }),
};

const context: RequestContext = {
  ...{
    receivedAt: Date.parse('2026-11-21T05:26:31Z'),
    product: 'dcos',
    identityKey: 'k'.repeat(32),
  },
  ...{ maxEvents: 10, isTooLarge: () => false, isTooDeep: () => false, newId: () => 'id' },
};

const track = (event: string) => (properties: object) => ({
  batch: [{ type: 'track', event, properties: { clusterId: ID, ...properties } }],
});
const capture = (event: string) => (properties: object) => ({
  batch: [{ event, distinct_id: ID, properties }],
});

type Event = [product: string, hints: Hints, body: (properties: object) => object];

/** Each dialect, and each kind of event. */
const EVENTS: Record<string, Event> = {
  'segment mesos_track': ['dcos', { dialect: 'segment' }, track('mesos_track')],
  'segment package_list': ['dcos', { dialect: 'segment' }, track('package_list')],
  'segment identify': [
    ...(['dcos', { dialect: 'segment' }] as const),
    (traits) => ({ type: 'identify', traits: { clusterId: ID, ...traits } }),
  ],
  'posthog usage': ['resoto', { dialect: 'posthog' }, capture('cli.command')],
  'posthog exception': ['resoto', { dialect: 'posthog' }, capture('$exception')],
  'an unknown native event': [
    ...(['dcos', { dialect: 'native' }] as const),
    (properties) => ({ installationId: ID, product: 'dcos', event: 'later', properties }),
  ],
  'an octopus report': ['octopus', { dialect: 'octopus', installationId: ID }, (it) => it],
  'a printed report': ['dcos', { dialect: 'report' }, (it) => ({ clusterId: ID, ...it })],
};

const options = { products: compileProducts(), retentionMs: 90 * 24 * 3_600_000 };

/** Processor time of this process: a busy machine slows the clock on the wall, not this one. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The shortest of some runs, each with a new event. */
function durationOf(event: string, shape: string, size: number, runs: number): number {
  const [product, hints, body] = EVENTS[event]!;
  const durations = many(runs, () => {
    const sent = body(SHAPES[shape]!(size));
    const start = processorMs();
    preview(sent, hints, { ...context, product }, options);
    return processorMs() - start;
  });
  return Math.min(...durations);
}

/** Whether an event of four times the size takes more than its share of time. */
function isSteep(event: string, shape: string, size: number, runs: number): boolean {
  const large = durationOf(event, shape, size * TIMES, runs);
  if (large <= MOST * FLOOR_MS) return false;
  return large > MOST * Math.max(FLOOR_MS, durationOf(event, shape, size, runs));
}

test.each(Object.keys(EVENTS))('the time that an event takes grows with its size: %s', (event) => {
  // The first runs are compiled while they run, and the garbage collector begins to work at one size.
  const isSlow = (shape: string) =>
    SIZES.every((size, at) => isSteep(event, shape, size, 2 ** (2 * at)));
  expect(Object.keys(SHAPES).filter(isSlow)).toEqual([]);
});
