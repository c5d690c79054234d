import { isDeclarableEvent } from '../privacy/keys.js';
import { isObject } from '../vocabulary.js';
import type { ProductDeclaration } from './declaration.js';
import { metricKinds, reportIntervals } from './declaration.js';

/** An invalid declaration: the path of the fault, and the problem. */
export class InvalidDeclaration extends Error {
  override readonly name = 'InvalidDeclaration';

  constructor(path: string, problem: string) {
    super(`${path || 'The declaration'} ${problem}.`);
  }
}

type Check = (value: unknown, path: string) => void;

/** Checks by field name. A field whose name ends in `?` is optional; other fields are rejected. */
type Fields = Readonly<Record<string, Check>>;

const text: Check = (value, path) => {
  if (typeof value !== 'string' || value.trim() === '') fail(path, 'must be non-empty text');
};

function matching(pattern: RegExp, what: string): Check {
  return (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) fail(path, `must be ${what}`);
  };
}

function oneOf(...values: readonly unknown[]): Check {
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  return (value, path) => {
    if (!values.includes(value)) fail(path, `must be one of ${list}`);
  };
}

function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return fail(path, 'must be a list');
    for (const [index, item] of value.entries()) check(item, `${path}[${index}]`);
  };
}

function mapOf(check: Check, isKey: (key: string) => boolean = () => true): Check {
  return (value, path) => {
    if (!isObject(value)) return fail(path, 'must be an object');
    for (const [key, item] of Object.entries(value)) {
      if (!isKey(key)) fail(`${path}.${key}`, 'is not an allowed name');
      check(item, `${path}.${key}`);
    }
  };
}

function object(fields: Fields): Check {
  return (value, path) => {
    if (!isObject(value)) return fail(path, 'must be an object');
    const names = Object.keys(fields).map((field) => field.replace('?', ''));
    const unknown = Object.keys(value).find((key) => !names.includes(key));
    if (unknown !== undefined) {
      fail(join(path, unknown), `is unknown; known fields are ${names.join(', ')}`);
    }
    for (const [field, check] of Object.entries(fields)) {
      const name = field.replace('?', '');
      if (value[name] !== undefined) check(value[name], join(path, name));
      else if (name === field) fail(join(path, name), 'is missing');
    }
  };
}

const number: Check = (value, path) => {
  if (typeof value !== 'number') fail(path, 'must be a number');
};

const days: Check = (value, path) => {
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > 90) {
    fail(path, 'must be a whole number from 1 to 90');
  }
};

const positive: Check = (value, path) => {
  if (typeof value !== 'number' || !(value > 0)) fail(path, 'must be a number above 0');
};

const METRIC_NAME = /^[a-z][a-z0-9_]{0,62}$/;

const metric = object({
  name: matching(METRIC_NAME, 'lower-case letters, digits and _, such as jobs_started'),
  kind: oneOf(...metricKinds),
  unit: text,
  about: text,
  'since?': text,
  'property?': text,
  'types?': listOf(text),
  'most?': positive,
  'perEvent?': (value, path) => {
    if (value !== true) object({ property: text, moreThan: number })(value, path);
  },
});

const resource = object({
  property: text,
  'minus?': text,
  unit: oneOf('bytes', 'cores', 'percent'),
});

const event = object({
  about: text,
  store: oneOf('metrics', 'usage', 'error'),
  'describes?': oneOf(true, false),
  'metrics?': listOf(metric),
  'outcome?': object({ property: text, values: mapOf(text) }),
  'resources?': object({
    'cpuTotal?': resource,
    'cpuPercent?': resource,
    'memTotalMb?': resource,
    'memUsedMb?': resource,
  }),
  'error?': object({ 'list?': text, 'kind?': text, 'message?': text, 'count?': text }),
  'consent?': oneOf('opted_out', 'opted_in'),
});

const product = object({
  product: matching(/^[a-z][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, _ and -'),
  about: text,
  events: mapOf(event, isDeclarableEvent),
  'cadence?': object({ every: oneOf(...reportIntervals), silentAfterDays: days }),
  'unknownEvents?': oneOf('usage', 'quarantined'),
  'browserDistinctId?': oneOf('user', 'installation'),
  'installation?': object({
    'version?': text,
    'variant?': text,
    'provider?': text,
    'platform?': text,
    'source?': text,
    'licenseSha1?': text,
  }),
  'collapse?': listOf(
    matching(/^[^*]*\*[^*]+$/, 'a name with one *, which must not be at the end'),
  ),
  'ignore?': listOf(text),
});

/**
 * Validates a declaration from JSON.
 * @throws InvalidDeclaration with the path and the problem
 */
export function readDeclaration(json: unknown): ProductDeclaration {
  product(json, '');
  const declaration = json as ProductDeclaration;
  for (const [name, { metrics = [] }] of Object.entries(declaration.events)) {
    const names = metrics.map((metric) => metric.name);
    const twice = names.find((one, index) => names.indexOf(one) < index);
    if (twice) fail(`events.${name}.metrics`, `declares ${twice} twice`);
  }
  return declaration;
}

function fail(path: string, problem: string): never {
  throw new InvalidDeclaration(path, problem);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
