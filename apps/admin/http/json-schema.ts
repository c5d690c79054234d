import 'reflect-metadata';
import { ApiProperty } from '@nestjs/swagger';
import { getMetadataStorage } from 'class-validator';

export type RequestClass = new (fields: Record<string, unknown>) => object;

/** Metadata key: on a field, the class that validates its nested fields; on a class, the names of such fields. */
const WITHIN = 'within';

interface Rule {
  name?: string;
  constraints?: unknown[];
  each: boolean;
}

type Schema = Record<string, unknown>;

/** The JSON Schema of each class-validator rule. */
const SCHEMAS: Record<string, (constraints: unknown[]) => Schema> = {
  isOptional: () => ({}),
  isDefined: () => ({}),
  isString: () => ({ type: 'string' }),
  isText: ([minLength, maxLength]) => ({
    type: 'string',
    ...(minLength !== 0 && { minLength }),
    maxLength,
  }),
  isNotEmpty: () => ({ minLength: 1 }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  isObject: () => ({ type: 'object', additionalProperties: true }),
  isArray: () => ({ type: 'array' }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isIso8601: () => ({ type: 'string', format: 'date-time' }),
  isDateString: () => ({ type: 'string', format: 'date-time' }),
  isRfc3339: () => ({ type: 'string', format: 'date-time' }),
  isDate: () => ({ type: 'string', format: 'date-time' }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  minLength: ([minLength]) => ({ minLength }),
  maxLength: ([maxLength]) => ({ maxLength }),
  isLength: ([minLength, maxLength]) => ({ minLength, maxLength }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMinSize: ([minItems]) => ({ minItems }),
  arrayMaxSize: ([maxItems]) => ({ maxItems }),
  arrayUnique: () => ({ uniqueItems: true }),
  isIn: ([allowed]) => ({ type: 'string', enum: allowed }),
  matches: ([pattern]) => ({
    type: 'string',
    pattern: pattern instanceof RegExp ? pattern.source : pattern,
  }),
};

export interface Field {
  name: string;
  required: boolean;
  schema: Schema;
}

/**
 * Derives the fields of a request class from its validation rules. Existing `@ApiProperty` options are kept.
 * @throws if a rule has no JSON Schema here, because the reference would be incomplete
 */
export function fieldsOf(request: RequestClass): Field[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(request, '', false, false);
  const defaults = new request({}) as Record<string, unknown>;
  return [...new Set(rules.map(({ propertyName }) => propertyName))].map((name) => {
    const ofField = rules.filter(({ propertyName }) => propertyName === name);
    const required = !ofField.some((rule) => rule.name === 'isOptional');
    const schema = schemaOf(name, ofField);
    const hasDefault = defaults[name] !== undefined;
    return { name, required, schema: hasDefault ? { ...schema, default: defaults[name] } : schema };
  });
}

/** An optional object field, whose nested fields `request` validates. */
export function Within(request: RequestClass): PropertyDecorator {
  describeFields(request);
  return (target, name) => {
    Reflect.defineMetadata(WITHIN, request, target, name);
    ApiProperty({ type: () => request, required: false })(target, name);
    const names = Reflect.getMetadata(WITHIN, target) as PropertyKey[] | undefined;
    Reflect.defineMetadata(WITHIN, [...(names ?? []), name], target);
  };
}

/** The names that a request may use, and the classes of nested objects. */
export interface Shape {
  names: readonly string[];
  within: ReadonlyMap<string, RequestClass>;
}

const shapes = new Map<RequestClass, Shape>();

export function shapeOf(request: RequestClass): Shape {
  const known = shapes.get(request);
  if (known) return known;
  const prototype = request.prototype as object;
  const nested = (Reflect.getMetadata(WITHIN, prototype) ?? []) as string[];
  const classOf = (name: string) => Reflect.getMetadata(WITHIN, prototype, name) as RequestClass;
  const shape = {
    names: [...nested, ...fieldsOf(request).map(({ name }) => name)],
    within: new Map(nested.map((name) => [name, classOf(name)])),
  };
  shapes.set(request, shape);
  return shape;
}

/** Adds the fields of a body's class to its OpenAPI schema. */
export function describeFields(request: RequestClass): void {
  for (const { name, required, schema } of fieldsOf(request)) {
    ApiProperty({ ...schema, required })(request.prototype as object, name);
  }
}

function schemaOf(field: string, rules: readonly Rule[]): Schema {
  const schema: Schema = {};
  const items: Schema = {};
  for (const { name, constraints = [], each } of rules) {
    const toSchema = SCHEMAS[name ?? ''];
    if (!toSchema)
      throw new Error(`No JSON Schema for the rule ${name} of ${field}; add it to SCHEMAS.`);
    Object.assign(each ? items : schema, toSchema(constraints));
  }
  return Object.keys(items).length === 0 ? schema : { ...schema, type: 'array', items };
}
