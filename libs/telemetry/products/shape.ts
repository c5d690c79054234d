import { isObject } from '../vocabulary.js';

/** An invalid declaration: the path of the fault, and the problem. */
export class InvalidDeclaration extends Error {
  override readonly name = 'InvalidDeclaration';

  constructor(path: string, problem: string) {
    super(`${path || 'The declaration'} ${problem}.`);
  }
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The form of a JSON value, once for Muster, which checks it, and once for editors, as JSON Schema. */
export interface Shape {
  /** @throws InvalidDeclaration with the path and the problem */
  check: (value: unknown, path: string) => void;
  schema: JsonSchema;
}

/** The fields of an object by name. The name of an optional field ends in `?`; other fields are rejected. */
export type FieldsOf<T> = {
  readonly [K in keyof T & string as object extends Pick<T, K> ? `${K}?` : K]-?: Shape;
};

/** Shows an explanation in editors. */
export function explained(description: string, { check, schema }: Shape): Shape {
  return { check, schema: { description, ...schema } };
}

export const text: Shape = {
  check: (value, path) => {
    if (typeof value !== 'string' || value.trim() === '') fail(path, 'must be non-empty text');
  },
  schema: { type: 'string', pattern: '\\S' },
};

export function matching(pattern: RegExp, what: string): Shape {
  return {
    check: (value, path) => {
      if (typeof value !== 'string' || !pattern.test(value)) fail(path, `must be ${what}`);
    },
    schema: { type: 'string', description: what, pattern: pattern.source },
  };
}

export function oneOf(...values: readonly unknown[]): Shape {
  const list = values.map((value) => JSON.stringify(value)).join(', ');
  return {
    check: (value, path) => {
      if (!values.includes(value)) fail(path, `must be one of ${list}`);
    },
    schema: { enum: values },
  };
}

export const number: Shape = {
  check: (value, path) => {
    if (typeof value !== 'number') fail(path, 'must be a number');
  },
  schema: { type: 'number' },
};

export const positive: Shape = {
  check: (value, path) => {
    if (typeof value !== 'number' || !(value > 0)) fail(path, 'must be a number above 0');
  },
  schema: { type: 'number', exclusiveMinimum: 0 },
};

export function wholeNumber(min: number, max: number): Shape {
  return {
    check: (value, path) => {
      if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
        fail(path, `must be a whole number from ${min} to ${max}`);
      }
    },
    schema: { type: 'integer', minimum: min, maximum: max },
  };
}

/** `true`, or another shape. */
export function trueOr({ check, schema }: Shape): Shape {
  return {
    check: (value, path) => {
      if (value !== true) check(value, path);
    },
    schema: { anyOf: [{ const: true }, schema] },
  };
}

export function listOf({ check, schema }: Shape): Shape {
  return {
    check: (value, path) => {
      if (!Array.isArray(value)) return fail(path, 'must be a list');
      for (const [index, item] of value.entries()) check(item, `${path}[${index}]`);
    },
    schema: { type: 'array', items: schema },
  };
}

/** An object with names that the declaration chooses. The schema of the names may permit more than `isName`. */
export function mapOf(
  { check, schema }: Shape,
  names: { isName: (name: string) => boolean; schema?: JsonSchema } = { isName: () => true },
): Shape {
  return {
    check: (value, path) => {
      if (!isObject(value)) return fail(path, 'must be an object');
      for (const [name, item] of Object.entries(value)) {
        if (!names.isName(name)) fail(`${path}.${name}`, 'is not an allowed name');
        check(item, `${path}.${name}`);
      }
    },
    schema: {
      type: 'object',
      ...(names.schema && { propertyNames: names.schema }),
      additionalProperties: schema,
    },
  };
}

export function object<T>(fields: FieldsOf<T>): Shape {
  const entries = Object.entries<Shape>(fields).map(([field, shape]) => {
    const name = field.replace('?', '');
    return { name, isOptional: name !== field, ...shape };
  });
  const names = entries.map(({ name }) => name);
  return {
    check: (value, path) => {
      if (!isObject(value)) return fail(path, 'must be an object');
      const unknown = Object.keys(value).find((key) => !names.includes(key));
      if (unknown !== undefined) {
        fail(join(path, unknown), `is unknown; known fields are ${names.join(', ')}`);
      }
      for (const { name, isOptional, check } of entries) {
        if (value[name] !== undefined) check(value[name], join(path, name));
        else if (!isOptional) fail(join(path, name), 'is missing');
      }
    },
    schema: {
      type: 'object',
      required: entries.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
      properties: Object.fromEntries(entries.map(({ name, schema }) => [name, schema])),
      additionalProperties: false,
    },
  };
}

export function fail(path: string, problem: string): never {
  throw new InvalidDeclaration(path, problem);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
