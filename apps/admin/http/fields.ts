/** Decorators of the fields of DTOs. */
import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import {
  IsBoolean,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { parseTimestamp, PRODUCT_NAME } from '#telemetry';
import { Reads } from './dto.js';

/** A page size from the query: a whole number from 1, of decimal digits only. */
export function Page(most: number): PropertyDecorator {
  const message = `limit must be a whole number from 1 to ${most}`;
  return applyDecorators(
    Reads((raw) => (/^\d{1,9}$/.test(String(raw)) ? Number(raw) : raw)),
    IsOptional(),
    IsInt({ message }),
    Min(1, { message }),
    Max(most, { message }),
  );
}

/** Whether Postgres can store a text: it has neither NUL nor unpaired surrogates. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** A string that Postgres can store. Use it for every string that reaches a store. */
export function Text(most: number, { least = 0, each = false } = {}): PropertyDecorator {
  const validate = (value: unknown) =>
    typeof value === 'string' && value.length >= least && value.length <= most && isStorable(value);
  const range = least === 0 ? `at most ${most}` : `${least} to ${most}`;
  const subject = each ? 'each value in $property' : '$property';
  const message = `${subject} must be a string of ${range} characters, without NUL or unpaired surrogates`;
  const rule = { name: 'isText', constraints: [least, most], validator: { validate } };
  return ValidateBy(rule, { message, each });
}

const FIRST_MOMENT = Date.parse('0001-01-01T00:00:00Z');
const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');

/** A time in the years 1 to 9999, which Postgres can store, as `toISOString` writes it. */
export function Moment(): PropertyDecorator {
  const message = '$property must be a time such as 2026-01-31T12:00:00Z';
  const validate = (value: unknown) => momentOf(value) !== undefined;
  return applyDecorators(
    Reads((raw) => (raw === null ? undefined : (momentOf(raw) ?? raw))),
    ValidateBy({ name: 'isDate', validator: { validate } }, { message }),
  );
}

function momentOf(raw: unknown): string | undefined {
  const time = parseTimestamp(raw);
  if (time === null || time < FIRST_MOMENT || time > LAST_MOMENT) return undefined;
  return new Date(time).toISOString();
}

/** The name of a product to select by. */
export function ProductName(): PropertyDecorator {
  return Matches(PRODUCT_NAME.pattern, { message: '$property must be a product name' });
}

/** The name that a product is to have, as in WRITE_KEYS. */
export function NewProductName(): PropertyDecorator {
  const message =
    '$property must start with a lower-case letter and contain only lower-case letters, digits, _ and -, at most 64 characters';
  return Matches(PRODUCT_NAME.pattern, { message });
}

/** A field that may be omitted, but not null. */
export function Omissible(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** A field that may be omitted, and for which null means something else than omission. */
export function OrNull(description: string): PropertyDecorator {
  return applyDecorators(
    Reads((raw) => raw),
    IsOptional(),
    ApiProperty({ nullable: true, description }),
  );
}

/** A boolean of a body that may be omitted, but not null, so that null switches nothing. */
export function Flag(): PropertyDecorator {
  const message = ({ value }: { value: unknown }) =>
    `$property must be ${value === null ? 'true or false' : 'a boolean value'}`;
  return applyDecorators(Omissible(), IsBoolean({ message }));
}

/** A boolean of a query: `true` or `false`, and no other spelling. */
export function QueryFlag(): PropertyDecorator {
  const words = ['true', 'false'];
  const message = `$property must be one of the following values: ${words.join(', ')}`;
  const validate = (value: unknown) => typeof value === 'boolean';
  return applyDecorators(
    Reads((raw) => (words.includes(String(raw)) ? raw === 'true' : raw)),
    IsOptional(),
    ValidateBy({ name: 'isIn', constraints: [words], validator: { validate } }, { message }),
  );
}

interface About {
  description?: string;
  nullable?: boolean;
  required?: boolean;
}

/** An RFC 3339 timestamp of a response. */
export function time(about: About = {}): ApiPropertyOptions {
  return { type: 'string', format: 'date-time', ...about };
}

/** Row counts by table; `required: false` if the field may be missing. */
export function rowsByTable({ required = true, ...about }: About = {}): ApiPropertyOptions {
  const type = { type: 'object' as const, additionalProperties: { type: 'integer' } };
  return { ...type, ...about, selfRequired: required };
}

/** `next` of a page. */
export function nextPage(): ApiPropertyOptions {
  return {
    type: 'string',
    nullable: true,
    description: 'Pass it as `after` to get the next page; null on the last page.',
  };
}

/** The id to continue after; null if the page is not full, so that it is the last. */
export function nextAfter(items: readonly { id: string }[], limit: number): string | null {
  return items.length === limit ? (items.at(-1)?.id ?? null) : null;
}
