import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import type { ProductDeclaration } from './declaration.js';
import { metricKinds } from './declaration.js';
import { compileProducts, ownDeclarations } from './index.js';
import { declarationSchema, readDeclaration } from './read-declaration.js';
import { InvalidDeclaration } from './shape.js';

const metric = { name: 'jobs_started', kind: 'count', unit: '1', about: 'Started jobs.' };
const event = { about: 'A job was started.', store: 'usage', metrics: [metric] };
const PRODUCT_PROBLEM =
  'product must be a lower-case letter and up to 63 lower-case letters, digits, _ and -.';
const least = { product: 'acme', about: 'A tool.', events: {} };

const whole = {
  $schema: '../docs/reference/product-declaration.schema.json',
  product: 'acme-tool_2',
  about: 'A tool.',
  unknownEvents: 'quarantined',
  browserDistinctId: 'installation',
  installation: {
    version: 'release',
    variant: 'edition',
    provider: 'cloud',
    platform: 'os',
    source: 'component',
    licenseSha1: 'license',
  },
  cadence: { every: 'day', silentAfterDays: 3 },
  collapse: ['count_*.', '*-total'],
  ignore: ['$*', 'run_id'],
  events: {
    state: {
      about: 'The state.',
      store: 'metrics',
      describes: true,
      metrics: metricKinds.map((kind, n) => ({ ...metric, name: `metric_${n}`, kind })),
      resources: {
        cpuTotal: { property: 'cpus', unit: 'cores' },
        cpuPercent: { property: 'cpu', unit: 'percent' },
        memTotalMb: { property: 'mem', unit: 'bytes' },
        memUsedMb: { property: 'mem', minus: 'free', unit: 'bytes' },
      },
    },
    'job.done': {
      about: 'A job ended.',
      store: 'usage',
      describes: false,
      consent: 'opted_in',
      outcome: { property: 'success', values: { true: 'succeeded', false: 'failed' } },
      metrics: [
        { ...metric, perEvent: true, since: '1.0' },
        { ...metric, name: 'long_jobs', perEvent: { property: 'seconds', moreThan: 60 } },
        { ...metric, name: 'kinds', kind: 'counts', property: 'kind', types: ['Job', 'Workflow'] },
      ],
    },
    $failed: {
      about: 'It failed.',
      store: 'error',
      error: { list: 'errors', kind: 'type', message: 'text', count: 'n' },
    },
  },
};

const isValid = new Ajv().compile(declarationSchema);

test('the published schema is the one that is generated', () => {
  const file = new URL('../../../docs/reference/product-declaration.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(declarationSchema);
});

test('the example in the docs is a declaration', () => {
  const docs = new URL('../../../docs/add-a-product.md', import.meta.url);
  const [, example = ''] = /```json\n(.*?)```/s.exec(readFileSync(docs, 'utf8')) ?? [];
  const json: unknown = JSON.parse(example);
  expect(readDeclaration(json)).toBe(json);
  expect(isValid(json)).toBe(true);
});

describe('a declaration', () => {
  test.each([
    ['the least', least],
    ['one of everything', whole],
    ['the longest name', { ...least, product: 'a'.repeat(64) }],
  ])('of %s is taken as it is', (_, declaration) => {
    expect(readDeclaration(declaration)).toBe(declaration);
    expect(isValid(declaration)).toBe(true);
    const products = compileProducts([readDeclaration(declaration)]);
    expect(products.get(declaration.product)).toMatchObject({ product: declaration.product });
  });

  test.each(ownDeclarations.map((it) => [it.product, it]))(
    'of %s could have been written by anybody, as JSON',
    (_, declaration) => {
      const json = JSON.parse(JSON.stringify(declaration)) as unknown;
      expect(readDeclaration(json)).toEqual(declaration);
      expect(isValid(json)).toBe(true);
    },
  );

  test.each<[unknown, string]>([
    [null, 'The declaration must be an object.'],
    [[], 'The declaration must be an object.'],
    ['acme', 'The declaration must be an object.'],
    [{ ...least, product: undefined }, 'product is missing.'],
    [{ ...least, product: 'Acme' }, PRODUCT_PROBLEM],
    [{ ...least, product: '2acme' }, PRODUCT_PROBLEM],
    [{ ...least, product: 'a'.repeat(65) }, PRODUCT_PROBLEM],
    [{ ...least, product: 7 }, PRODUCT_PROBLEM],
    [{ ...least, about: ' ' }, 'about must be non-empty text.'],
    [{ ...least, events: [] }, 'events must be an object.'],
    [
      { ...least, event: {} },
      'event is unknown; known fields are product, about, events, cadence, unknownEvents, browserDistinctId, installation, collapse, ignore, $schema.',
    ],
    [
      { ...least, cadence: { every: 'week', silentAfterDays: 9 } },
      'cadence.every must be one of "hour", "day", "event".',
    ],
    [{ ...least, cadence: { every: 'day' } }, 'cadence.silentAfterDays is missing.'],
    ...[0, 1.5, 91, '3'].map((silentAfterDays): [unknown, string] => [
      { ...least, cadence: { every: 'day', silentAfterDays } },
      'cadence.silentAfterDays must be a whole number from 1 to 90.',
    ]),
    [{ ...least, unknownEvents: 'kept' }, 'unknownEvents must be one of "usage", "quarantined".'],
    [
      { ...least, browserDistinctId: 'GUID' },
      'browserDistinctId must be one of "user", "installation".',
    ],
    [
      { ...least, installation: { hostname: 'host' } },
      'installation.hostname is unknown; known fields are version, variant, provider, platform, source, licenseSha1.',
    ],
    [{ ...least, installation: { version: 7 } }, 'installation.version must be non-empty text.'],
    [{ ...least, collapse: 'a*b' }, 'collapse must be a list.'],
    [
      { ...least, collapse: ['a*b', 'a*'] },
      'collapse[1] must be a name with one *, which must not be at the end.',
    ],
    [
      { ...least, collapse: ['a*b*c'] },
      'collapse[0] must be a name with one *, which must not be at the end.',
    ],
    [{ ...least, ignore: ['a', null] }, 'ignore[1] must be non-empty text.'],
    [{ ...least, events: { 'Job done': event } }, 'events.Job done is not an allowed name.'],
  ])('is not %j', (declaration, message) => {
    expectMistake(declaration, message);
  });

  test.each<[object, string]>([
    [{ about: undefined }, 'about is missing.'],
    [{ store: 'counters' }, 'store must be one of "metrics", "usage", "error".'],
    [{ describes: 'yes' }, 'describes must be one of true, false.'],
    [{ consent: 'asked' }, 'consent must be one of "opted_out", "opted_in".'],
    [{ metrics: {} }, 'metrics must be a list.'],
    [{ metrics: [metric, 7] }, 'metrics[1] must be an object.'],
    [{ metrics: [metric, metric] }, 'metrics declares jobs_started twice.'],
    [{ outcome: { property: 'a' } }, 'outcome.values is missing.'],
    [
      { outcome: { property: 'a', values: { true: 1 } } },
      'outcome.values.true must be non-empty text.',
    ],
    [
      { resources: { disk: { property: 'a', unit: 'bytes' } } },
      'resources.disk is unknown; known fields are cpuTotal, cpuPercent, memTotalMb, memUsedMb.',
    ],
    [{ resources: { cpuTotal: { property: 'a' } } }, 'resources.cpuTotal.unit is missing.'],
    [
      { resources: { cpuTotal: { property: 'a', unit: 'MB' } } },
      'resources.cpuTotal.unit must be one of "bytes", "cores", "percent".',
    ],
    [
      { error: { stack: 'stack' } },
      'error.stack is unknown; known fields are list, kind, message, count.',
    ],
    [{ error: { kind: '' } }, 'error.kind must be non-empty text.'],
  ])('whose event has %j is rejected with the path of the fault', (changes, message) => {
    const declaration = { ...least, events: { 'job.started': { ...event, ...changes } } };
    expectMistake(declaration, `events.job.started.${message}`);
  });

  test.each<[object, string]>([
    [{ name: undefined }, 'name is missing.'],
    [
      { name: 'Jobs started' },
      'name must be lower-case letters, digits and _, such as jobs_started.',
    ],
    [
      { name: 'x'.repeat(64) },
      'name must be lower-case letters, digits and _, such as jobs_started.',
    ],
    [{ kind: 'gauge' }, `kind must be one of ${metricKinds.map((it) => `"${it}"`).join(', ')}.`],
    [{ unit: undefined }, 'unit is missing.'],
    [{ about: 7 }, 'about must be non-empty text.'],
    [{ since: 2 }, 'since must be non-empty text.'],
    [{ types: 'Job' }, 'types must be a list.'],
    [{ types: ['Job', ''] }, 'types[1] must be non-empty text.'],
    [{ perEvent: false }, 'perEvent must be an object.'],
    [{ perEvent: { property: 'a' } }, 'perEvent.moreThan is missing.'],
    [{ perEvent: { property: 'a', moreThan: '60' } }, 'perEvent.moreThan must be a number.'],
    [
      { note: 'x' },
      'note is unknown; known fields are name, kind, unit, about, since, property, types, most, perEvent.',
    ],
  ])('whose metric has %j is rejected with the path of the fault', (changes, message) => {
    const metrics = [metric, { ...metric, name: 'other', ...changes }];
    const declaration = { ...least, events: { started: { ...event, metrics } } };
    expectMistake(declaration, `events.started.metrics[1].${message}`);
  });

  test.each(['model.info', 'unit.test', 'user.home'])('may name an event %s', (name) => {
    expect(readDeclaration({ ...least, events: { [name]: event } }).events).toHaveProperty([name]);
  });

  test('is rejected if its product is already declared', () => {
    for (const product of ['dcos', 'octopus', 'resoto']) {
      const again = readDeclaration({ ...least, product });
      expect(() => compileProducts([again])).toThrow(InvalidDeclaration);
      expect(() => compileProducts([again])).toThrow(`product ${product} is already declared.`);
    }
    const acme = least as ProductDeclaration;
    expect(() => compileProducts([acme, acme])).toThrow('product acme is already declared.');
  });
});

function expectMistake(declaration: unknown, message: string): void {
  const json: unknown = JSON.parse(JSON.stringify(declaration));
  expect(() => readDeclaration(json)).toThrow(InvalidDeclaration);
  expect(messageOf(json)).toBe(message);
  // JSON Schema cannot compare the names of a list.
  expect(isValid(json)).toBe(message.endsWith(' twice.'));
}

function messageOf(json: unknown): string {
  try {
    readDeclaration(json);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
