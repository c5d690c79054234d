import 'reflect-metadata';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateNested } from 'class-validator';
import { AdminError } from './errors.js';
import { describeFields, rulesOf, type DtoClass } from './json-schema.js';

/** Metadata keys of a field: how it is read, and the class of its nested fields. */
const READ = 'read';
const WITHIN = 'within';

/** Maximum length of an unknown name in an error message. */
const SHOWN_CHARACTERS = 50;

export type Fields = Record<string, unknown>;

/** Converts what a request gives for a field; undefined leaves the field as it is by default. */
type Read = (raw: unknown) => unknown;

/**
 * Converts a field before it is validated. An invalid value stays as it is, so that validation rejects it. Without
 * this, only null is converted: in an optional field it counts as omitted.
 */
export function Reads(read: Read): PropertyDecorator {
  return (target, name) => Reflect.defineMetadata(READ, read, target, name);
}

/** An object field that may be omitted, with the fields of `dto`. */
export function Within(dto: DtoClass): PropertyDecorator {
  describeFields(dto);
  return applyDecorators(
    (target: object, name: string | symbol) => Reflect.defineMetadata(WITHIN, dto, target, name),
    ApiProperty({ type: () => dto, required: false }),
    ValidateNested(),
  );
}

interface Field {
  read: Read;
  within: DtoClass | undefined;
}

const shapes = new Map<DtoClass, ReadonlyMap<string, Field>>();

/** The fields that a class declares, by name. */
function shapeOf(dto: DtoClass): ReadonlyMap<string, Field> {
  const known = shapes.get(dto);
  if (known) return known;
  const prototype = dto.prototype as object;
  const shape = new Map<string, Field>();
  for (const [name, rules] of rulesOf(dto)) {
    const isOptional = rules.some((rule) => rule.name === 'isOptional');
    const byDefault: Read = (raw) => (isOptional && raw === null ? undefined : raw);
    const read = (Reflect.getMetadata(READ, prototype, name) as Read | undefined) ?? byDefault;
    const within = Reflect.getMetadata(WITHIN, prototype, name) as DtoClass | undefined;
    shape.set(name, { read, within });
  }
  shapes.set(dto, shape);
  return shape;
}

/**
 * Makes an instance of a class from the fields of a request, unvalidated. Omitted fields without a default are absent.
 * @param kind of the fields, for messages
 * @param place of the fields in the body, such as `limits.`
 * @throws AdminError if a field is unknown, or no object where the class has nested fields
 */
export function makeDto(dto: DtoClass, given: Fields, kind: string, place = ''): object {
  const shape = shapeOf(dto);
  refuseUnknown(given, [...shape.keys()], kind, place);
  const made = new dto() as Fields;
  for (const [name, { read, within }] of shape) {
    const value = given[name] === undefined ? undefined : read(given[name]);
    const path = place + name;
    if (value === undefined) {
      if (made[name] === undefined) Reflect.deleteProperty(made, name);
    } else if (!within) made[name] = value;
    else if (isObject(value)) made[name] = makeDto(within, value, kind, `${path}.`);
    else throw new AdminError('invalid_request', `${path} must be a JSON object.`, path);
  }
  return made;
}

/** @throws AdminError that names the first unknown field and the allowed ones */
export function refuseUnknown(
  given: Fields,
  allowed: readonly string[],
  kind: string,
  place = '',
): void {
  const unknown = Object.keys(given).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  const path = place + unknown.slice(0, SHOWN_CHARACTERS).toWellFormed();
  const hint = allowed.length > 0 ? `allowed: ${allowed.join(', ')}` : 'none are allowed here';
  throw new AdminError('invalid_request', `Unknown ${kind} ${path}; ${hint}.`, path);
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
