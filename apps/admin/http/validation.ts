import 'reflect-metadata';
import { applyDecorators } from '@nestjs/common';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsDate,
  IsIn,
  IsInt,
  IsOptional,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateBy,
  validateSync,
} from 'class-validator';
import { parseIdList } from '#platform';
import { erasureModes, erasureStates, type ErasureMode } from '#storage';
import { parseTimestamp } from '#telemetry';
import { DryRunBody, DryRunQuery, eitherOf, readDryRun, readSwitch } from './dry-run.js';
import { AdminError } from './errors.js';

/** The page size: a whole number from 1. */
export function Page(most: number): PropertyDecorator {
  const message = `limit must be a whole number from 1 to ${most}`;
  return applyDecorators(
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

/** An optional time in the years 1 to 9999. */
export function Moment(): PropertyDecorator {
  const message = '$property must be a time such as 2026-01-31T12:00:00Z';
  return applyDecorators(IsOptional(), IsDate({ message }));
}

/** Reads a time. @returns an invalid date if it is not a time, or outside the range of Postgres */
export function readMoment(raw: unknown): Date | undefined {
  if (raw === undefined) return undefined;
  const time = parseTimestamp(raw) ?? NaN;
  return new Date(time >= FIRST_MOMENT && time <= LAST_MOMENT ? time : NaN);
}

/** Reads a number that consists of decimal digits only. @returns NaN otherwise */
export function readCount(raw: unknown, byDefault: number): number {
  if (raw === undefined) return byDefault;
  return typeof raw === 'string' && /^\d{1,9}$/.test(raw) ? Number(raw) : NaN;
}

/** An optional product name. */
export function ProductName(): PropertyDecorator {
  const message = '$property must be a product name';
  return applyDecorators(IsOptional(), Matches(/^[a-z][a-z0-9_-]{0,63}$/, { message }));
}

export const MAX_INSTALLATIONS = 10_000;
/** Longer than any cloud resource name. */
const MAX_ID = 2000;
const DEFAULT_MODE: ErasureMode = 'erase_and_suppress';

const Mode = () => applyDecorators(IsOptional(), IsIn(erasureModes));

/** `POST /v1/erasures`. */
export class ErasureBody extends DryRunBody {
  @Mode() mode: unknown;
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_INSTALLATIONS)
  @Text(MAX_ID, { each: true })
  installationIds: unknown;

  constructor(body: Record<string, unknown>) {
    super(body);
    this.mode = body.mode ?? undefined;
    this.installationIds = body.installationIds;
  }
}

/** `DELETE /v1/installations/{id}`: the body. */
export class EraseOneBody extends DryRunBody {
  @Mode() mode: unknown;

  constructor(body: Record<string, unknown>) {
    super(body);
    this.mode = body.mode ?? undefined;
  }
}

/** `DELETE /v1/installations/{id}`: the query. */
export class EraseOneQuery extends DryRunQuery {
  @Mode() mode: unknown;

  constructor(query: Record<string, unknown>) {
    super(query);
    this.mode = query.mode;
  }
}

/** `POST /v1/erasures/verify`: the query. */
export class LedgerQuery extends DryRunQuery {
  @IsOptional() @IsIn(['true', 'false']) acceptLoss: unknown;

  constructor(query: Record<string, unknown>) {
    super(query);
    this.acceptLoss = query.acceptLoss;
  }
}

/** `POST /v1/erasures/verify`: the body. */
export class LedgerBody extends DryRunBody {
  @IsOptional() @IsBoolean() acceptLoss: unknown;

  constructor(body: Record<string, unknown>) {
    super(body);
    this.acceptLoss = body.acceptLoss;
  }
}

/** `GET /v1/erasures`. */
export class ErasureQuery {
  @IsOptional() @IsIn(erasureStates) state: string | undefined;
  @IsOptional() @Text(MAX_ID) installationId: string | undefined;
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of an erasure' })
  after: string | undefined;
  @Page(500) limit: number;

  constructor(query: Record<string, unknown>) {
    this.state = query.state as string | undefined;
    this.installationId = query.installationId as string | undefined;
    this.after = query.after as string | undefined;
    this.limit = readCount(query.limit, 50);
  }
}

export interface ErasureRequest {
  mode: ErasureMode;
  installationIds: readonly string[];
  /** Only count rows. */
  isDryRun: boolean;
}

type Fields = Record<string, unknown>;

/**
 * Reads the query and the body of `POST /v1/erasures`: JSON, or CSV with one id per line and an optional header
 * line.
 */
export function readErasure(query: Fields, body: unknown): ErasureRequest {
  const fields = typeof body === 'string' ? { installationIds: parseIdList(body) } : fieldsOf(body);
  const inQuery = check(new DryRunQuery(query));
  const inBody = check(new ErasureBody(fields));
  return {
    mode: (inBody.mode ?? DEFAULT_MODE) as ErasureMode,
    installationIds: inBody.installationIds as string[],
    isDryRun: readDryRun(inQuery, inBody) === true,
  };
}

/** Reads `DELETE /v1/installations/{id}`. Each field may be in the query or in the body. */
export function readErasureOfOne(id: string, query: Fields, body: unknown): ErasureRequest {
  const inQuery = check(new EraseOneQuery(query));
  const inBody = check(new EraseOneBody(fieldsOf(body)));
  const mode = eitherOf('mode', inQuery.mode, inBody.mode) ?? DEFAULT_MODE;
  const isDryRun = readDryRun(inQuery, inBody) === true;
  return { mode: mode as ErasureMode, installationIds: [id], isDryRun };
}

/** Reads `Idempotency-Key`, whose length is limited by its index. @throws AdminError */
export function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  const message = 'Idempotency-Key must be 1 to 255 printable ASCII characters.';
  throw new AdminError('invalid_request', message, 'Idempotency-Key');
}

/** The fields of a body that RequestShape has checked; empty if an optional body is missing. */
export function fieldsOf(body: unknown): Fields {
  return { ...(body as Fields | undefined) };
}

/** Reads the query and the body of `POST /v1/erasures/verify`. A dry run accepts no loss. */
export function readLedgerRequest(
  query: Fields,
  body: unknown,
): { isDryRun: boolean; acceptsLoss: boolean } {
  const inQuery = check(new LedgerQuery(query));
  const inBody = check(new LedgerBody(fieldsOf(body)));
  const isDryRun = readDryRun(inQuery, inBody) === true;
  const accepts = readSwitch('acceptLoss', inQuery.acceptLoss, inBody.acceptLoss) === true;
  return { isDryRun, acceptsLoss: accepts && !isDryRun };
}

export function readErasureQuery(query: Record<string, unknown>) {
  const { state, installationId, after, limit } = check(new ErasureQuery(query));
  return { state, installationId, after, limit };
}

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}

/**
 * @param place the path prefix of the fields, such as `limits.`
 * @throws AdminError naming the first invalid field
 */
export function check<T extends object>(fields: T, place = ''): T {
  const flaw = validateSync(fields, { stopAtFirstError: true })[0];
  if (!flaw) return fields;
  const [message = 'is invalid'] = Object.values(flaw.constraints ?? {});
  throw new AdminError('invalid_request', `${place}${message}.`, place + flaw.property);
}
