import 'reflect-metadata';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsNumber, IsOptional, Matches, Max, Min } from 'class-validator';
import type { ProductChange } from '#storage';
import { asVersion, type BlockRule } from '#telemetry';
import { AdminError } from '../http/errors.js';
import { Within } from '../http/json-schema.js';
import { check, fieldsOf, Text } from '../http/validation.js';

/** As in WRITE_KEYS. */
const PRODUCT = /^[a-z][a-z0-9_-]{0,63}$/;
const IsProduct = () =>
  Matches(PRODUCT, {
    message:
      '$property must start with a lower-case letter and contain only lower-case letters, digits, _ and -, at most 64 characters',
  });

const MOST_EVENTS = 1_000_000_000;
const YEAR_HOURS = 8760;
const OVERLAP_HOURS = 24;

const OrNull = (description: string) => ApiProperty({ nullable: true, description });

/** `POST /v1/keys`. */
export class KeyBody {
  @IsProduct() product: unknown;
  @IsOptional() @Text(100, { least: 1 }) name: unknown;

  constructor(body: Record<string, unknown>) {
    this.product = body.product;
    this.name = body.name;
  }
}

/** `GET /v1/keys`. */
export class KeyQuery {
  @IsOptional()
  @Matches(PRODUCT, { message: '$property must be a product name' })
  product: unknown;

  constructor(query: Record<string, unknown>) {
    this.product = query.product;
  }
}

/** `POST /v1/keys/{id}/rotate`. */
export class RotateBody {
  @ApiProperty({ description: 'How long the old key stays valid.' })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(YEAR_HOURS)
  overlapHours: unknown;

  constructor(body: Record<string, unknown>) {
    this.overlapHours = body.overlapHours ?? OVERLAP_HOURS;
  }
}

/** `limits` of `PATCH /v1/products/{product}`; null removes a limit. */
class LimitsBody {
  @OrNull('Null for no limit.')
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_EVENTS)
  eventsPerMinutePerKey: unknown;
  @OrNull('Null for no limit.')
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_EVENTS)
  eventsPerMinutePerInstallation: unknown;

  constructor(body: Record<string, unknown>) {
    this.eventsPerMinutePerKey = body.eventsPerMinutePerKey;
    this.eventsPerMinutePerInstallation = body.eventsPerMinutePerInstallation;
  }
}

/** `PATCH /v1/products/{product}`. */
export class ProductBody {
  @Within(LimitsBody) limits: unknown;
  @IsOptional() @IsBoolean() selfErasure: unknown;
  @OrNull('Null to use the global retention.')
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(36_500)
  retentionDays: unknown;

  constructor(body: Record<string, unknown>) {
    this.limits = body.limits;
    this.selfErasure = body.selfErasure ?? undefined;
    this.retentionDays = body.retentionDays;
  }
}

/** `POST /v1/blocks`. */
export class BlockBody {
  @IsProduct() product: unknown;
  @IsOptional() @Text(128, { least: 1 }) event: unknown;
  @IsOptional() @Text(64, { least: 1 }) version: unknown;
  @IsOptional() @Text(500) note: unknown;

  constructor(body: Record<string, unknown>) {
    this.product = body.product;
    this.event = body.event ?? undefined;
    this.version = body.version ?? undefined;
    this.note = body.note ?? undefined;
  }
}

export function readKeyBody(body: unknown): { product: string; name: string | null } {
  const { product, name } = check(new KeyBody(fieldsOf(body)));
  return { product: product as string, name: (name as string | undefined) ?? null };
}

/** @returns for how many hours the old key stays valid */
export function readRotateBody(body: unknown): number {
  return check(new RotateBody(fieldsOf(body))).overlapHours as number;
}

export function readKeyQuery(query: Record<string, unknown>): string | undefined {
  return check(new KeyQuery(query)).product as string | undefined;
}

/** Reads the changes; omitted fields stay unchanged. @throws AdminError */
export function readProductChange(body: unknown): ProductChange {
  const given = fieldsOf(body);
  const { limits } = given;
  if (limits === null) {
    throw new AdminError('invalid_request', 'limits must be a JSON object.', 'limits');
  }
  const givenLimits = fieldsOf(limits);
  check(new ProductBody(given));
  check(new LimitsBody(givenLimits), 'limits.');
  const change = { ...given, ...(limits !== undefined && { limits: givenLimits }) };
  if (Object.keys(given).length === 0) {
    throw new AdminError('invalid_request', 'Nothing to change. Give at least one field.');
  }
  if (given.selfErasure === null) {
    throw new AdminError('invalid_request', 'selfErasure must be true or false.', 'selfErasure');
  }
  return change;
}

export function readBlockBody(body: unknown): BlockRule & { note: string | null } {
  const { product, event, version, note } = check(new BlockBody(fieldsOf(body))) as Record<
    'product' | 'event' | 'version' | 'note',
    string | undefined
  >;
  if (event === undefined && version === undefined) {
    const message = 'A block needs an event, a version, or both.';
    throw new AdminError('invalid_request', message, 'event');
  }
  // Blocks are compared with versions as stored, so any other form would never match.
  if (version !== undefined && asVersion(version) !== version) {
    const message = 'version must be in the stored form, such as 2021.2.7428.';
    throw new AdminError('invalid_request', message, 'version');
  }
  return {
    product: product ?? '',
    event: event ?? null,
    version: version ?? null,
    note: note ?? null,
  };
}
