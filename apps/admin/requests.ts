import 'reflect-metadata';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  validateSync,
} from 'class-validator';
import { erasureModes, erasureStates, type ErasureMode } from '#storage';
import { AdminError } from './errors.js';

export const MAX_INSTALLATIONS = 10_000;

/** `POST /v1/erasures`. */
class ErasureBody {
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

/** `GET /v1/erasures`. */
class ErasureQuery {
  @IsOptional() @IsIn(erasureStates) state: string | undefined;
  @IsOptional() @IsString() installationId: string | undefined;

  constructor(query: Record<string, unknown>) {
    this.state = query.state as string | undefined;
    this.installationId = query.installationId as string | undefined;
  }
}

/** What is asked for, from JSON or from CSV (one id a line; a first line that is no id is a heading). */
export function readErasureBody(body: unknown): { mode: ErasureMode; installationIds: string[] } {
  const fields = typeof body === 'string' ? { installationIds: readCsv(body) } : body;
  const given = fields !== null && typeof fields === 'object' ? fields : {};
  const { mode = 'erase_and_suppress', installationIds } = check(new ErasureBody({ ...given }));
  return { mode: mode as ErasureMode, installationIds: installationIds as string[] };
}

export function readErasureQuery(query: Record<string, unknown>) {
  const { state, installationId } = check(new ErasureQuery(query));
  const limit = Number(query.limit ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) {
    throw new AdminError('invalid_request', 'limit must be a whole number from 1 to 500.', 'limit');
  }
  const { after } = query;
  if (after !== undefined && !isUuid(after)) {
    throw new AdminError('invalid_request', 'after must be the id of an erasure.', 'after');
  }
  return { state, installationId, after, limit };
}

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}

/** @throws AdminError with the place of the first thing that is wrong */
export function check<T extends object>(fields: T): T {
  const flaw = validateSync(fields, { stopAtFirstError: true })[0];
  if (!flaw) return fields;
  const [message = 'is wrong'] = Object.values(flaw.constraints ?? {});
  throw new AdminError('invalid_request', `${message}.`, flaw.property);
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
