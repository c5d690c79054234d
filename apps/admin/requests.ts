import 'reflect-metadata';
import { applyDecorators } from '@nestjs/common';
import { PickType } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsDate,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  Min,
  validateSync,
} from 'class-validator';
import { erasureModes, erasureStates, type ErasureMode } from '#storage';
import { parseTimestamp } from '#telemetry';
import { AdminError } from './errors.js';

/** How many are answered at once: a whole number from 1. */
export function Page(most: number): PropertyDecorator {
  const message = `limit must be a whole number from 1 to ${most}`;
  return applyDecorators(
    IsOptional(),
    IsInt({ message }),
    Min(1, { message }),
    Max(most, { message }),
  );
}

/** A moment that may be left out. */
export function Moment(): PropertyDecorator {
  const message = '$property must be a time such as 2026-01-31T12:00:00Z';
  return applyDecorators(IsOptional(), IsDate({ message }));
}

/** The moment that a query names; an invalid one where it names none. */
export function readMoment(raw: unknown): Date | undefined {
  return raw === undefined ? undefined : new Date(parseTimestamp(raw) ?? NaN);
}

/** The name of a product, which may be left out. */
export function ProductName(): PropertyDecorator {
  const message = '$property must be the name of a product';
  return applyDecorators(IsOptional(), Matches(/^[a-z][a-z0-9_-]*$/, { message }));
}

export const MAX_INSTALLATIONS = 10_000;

/** `POST /v1/erasures`. */
export class ErasureBody {
  @IsOptional() @IsIn(erasureModes) mode: unknown;
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_INSTALLATIONS)
  @IsString({ each: true })
  installationIds: unknown;

  constructor(body: Record<string, unknown>) {
    this.mode = body.mode ?? undefined;
    this.installationIds = body.installationIds;
  }
}

/** `DELETE /v1/installations/{id}`: its mode is one of a body's. */
export class ModeQuery extends PickType(ErasureBody, ['mode']) {}

/** `POST /v1/erasures`. A dry run that is misspelt must not erase. */
export class DryRunQuery {
  @IsOptional() @IsIn(['true', 'false']) dryRun: unknown;

  constructor(query: Record<string, unknown>) {
    this.dryRun = query.dryRun;
  }
}

/** `POST /v1/erasures/verify`. */
export class LedgerQuery extends DryRunQuery {
  @IsOptional() @IsIn(['true', 'false']) acceptLoss: unknown;

  constructor(query: Record<string, unknown>) {
    super(query);
    this.acceptLoss = query.acceptLoss;
  }
}

/** `GET /v1/erasures`. */
export class ErasureQuery {
  @IsOptional() @IsIn(erasureStates) state: string | undefined;
  @IsOptional() @IsString() installationId: string | undefined;
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of an erasure' })
  after: string | undefined;
  @Page(500) limit: number;

  constructor(query: Record<string, unknown>) {
    this.state = query.state as string | undefined;
    this.installationId = query.installationId as string | undefined;
    this.after = query.after as string | undefined;
    this.limit = Number(query.limit ?? 50);
  }
}

/** What is asked for, from JSON or from CSV (one id a line; a first line that is no id is a heading). */
export function readErasureBody(body: unknown): { mode: ErasureMode; installationIds: string[] } {
  const fields = typeof body === 'string' ? { installationIds: readCsv(body) } : body;
  const given = fields !== null && typeof fields === 'object' ? fields : {};
  const { mode = 'erase_and_suppress', installationIds } = check(new ErasureBody({ ...given }));
  return { mode: mode as ErasureMode, installationIds: installationIds as string[] };
}

export function readDryRun(query: Record<string, unknown>): boolean {
  return check(new DryRunQuery(query)).dryRun === 'true';
}

export function readLedgerQuery(query: Record<string, unknown>) {
  const { dryRun, acceptLoss } = check(new LedgerQuery(query));
  return { dryRun: dryRun === 'true', acceptsLoss: acceptLoss === 'true' && dryRun !== 'true' };
}

export function readErasureQuery(query: Record<string, unknown>) {
  const { state, installationId, after, limit } = check(new ErasureQuery(query));
  return { state, installationId, after, limit };
}

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}

/**
 * @param place where the fields stand in the request, as `limits.`
 * @throws AdminError that says which field is wrong, and why
 */
export function check<T extends object>(fields: T, place = ''): T {
  const flaw = validateSync(fields, { stopAtFirstError: true })[0];
  if (!flaw) return fields;
  const [message = 'is wrong'] = Object.values(flaw.constraints ?? {});
  throw new AdminError('invalid_request', `${place}${message}.`, place + flaw.property);
}

/** An object that has no other fields than these: a name that is mistyped would else do nothing. */
export function objectOf(
  value: unknown,
  names: readonly string[],
  path?: string,
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = `${path ?? 'The body'} must be a JSON object.`;
    throw new AdminError('invalid_request', message, path);
  }
  const odd = Object.keys(value).find((name) => !names.includes(name));
  if (odd === undefined) return { ...value };
  const message = `There is a field too many; there may be ${names.join(', ')}.`;
  throw new AdminError('invalid_request', message, path);
}

function readCsv(text: string): string[] {
  const cells = text
    .split(/\r?\n/)
    .map(
      (line) =>
        line
          .split(',', 1)[0]
          ?.trim()
          .replace(/^"(.*)"$/, '$1') ?? '',
    )
    .filter((cell) => cell !== '');
  return cells[0] !== undefined && /^[a-z_ ]+$/i.test(cells[0]) ? cells.slice(1) : cells;
}
