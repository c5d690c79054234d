import 'reflect-metadata';
import { ApiProperty } from '@nestjs/swagger';
import { getMetadataStorage, ValidationTypes } from 'class-validator';

/** A class whose fields have validation rules. A default is the value of the field in a new instance. */
export type DtoClass = new () => object;

interface Rule {
  type: string;
  name?: string;
  constraints?: unknown[];
  each: boolean;
}

const { CONDITIONAL_VALIDATION, NESTED_VALIDATION } = ValidationTypes;

type Schema = Record<string, unknown>;

/** The JSON Schema of each validation rule in use. */
const SCHEMAS: Record<string, (constraints: unknown[]) => Schema> = {
  isText: ([minLength, maxLength]) => ({
    type: 'string',
    ...(minLength !== 0 && { minLength }),
    maxLength,
  }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  isArray: () => ({ type: 'array' }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isDate: () => ({ type: 'string', format: 'date-time' }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMaxSize: ([maxItems]) => ({ maxItems }),
  isStoredVersion: () => ({}),
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

/** The validation rules of a class, by field. */
export function rulesOf(dto: DtoClass): ReadonlyMap<string, readonly Rule[]> {
  const byField = new Map<string, Rule[]>();
  const all = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  for (const rule of all) {
    byField.set(rule.propertyName, [...(byField.get(rule.propertyName) ?? []), rule]);
  }
  return byField;
}

/**
 * Derives the fields of a class from its validation rules, without those that have nested fields.
 * @throws if a rule has no JSON Schema here, because the reference would be incomplete
 */
export function fieldsOf(dto: DtoClass): Field[] {
  const defaults = new dto() as Record<string, unknown>;
  return [...rulesOf(dto)].flatMap(([name, rules]): Field[] => {
    if (rules.some(({ type }) => type === NESTED_VALIDATION)) return [];
    const required = !rules.some(({ type }) => type === CONDITIONAL_VALIDATION);
    const schema = schemaOf(name, rules);
    const hasDefault = defaults[name] !== undefined;
    return [
      { name, required, schema: hasDefault ? { ...schema, default: defaults[name] } : schema },
    ];
  });
}

/** Adds the fields of a body's class to its OpenAPI schema. Existing `@ApiProperty` options are kept. */
export function describeFields(dto: DtoClass): void {
  for (const { name, required, schema } of fieldsOf(dto)) {
    ApiProperty({ ...schema, required })(dto.prototype as object, name);
  }
}

function schemaOf(field: string, rules: readonly Rule[]): Schema {
  const schema: Schema = {};
  const items: Schema = {};
  for (const { type, name, constraints = [], each } of rules) {
    if (type === CONDITIONAL_VALIDATION) continue;
    const toSchema = SCHEMAS[name ?? ''];
    if (!toSchema) {
      throw new Error(`No JSON Schema for the rule ${name} of ${field}; add it to SCHEMAS.`);
    }
    Object.assign(each ? items : schema, toSchema(constraints));
  }
  return Object.keys(items).length === 0 ? schema : { ...schema, type: 'array', items };
}
