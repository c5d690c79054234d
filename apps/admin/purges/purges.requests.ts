import 'reflect-metadata';
import { IsDate, IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { purgeStates, type PurgeScope, type PurgeState } from '#storage';
import { DryRunBody, DryRunQuery, readDryRun } from '../http/dry-run.js';
import { AdminError } from '../http/errors.js';
import { check, fieldsOf, Page, readCount, readMoment } from '../http/validation.js';

const WRONG_KEY = 'key must be the id of a write key, or the first 16 hex digits of its SHA-256';
const WRONG_TIME = '$property must be a time such as 2026-01-31T12:00:00Z';
const NO_DRY_RUN =
  'dryRun is required, in the query or in the body: true (show what would be removed) or false (remove it).';

/** `POST /v1/purges`. */
export class PurgeBody extends DryRunBody {
  @Matches(/^([0-9a-f]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/, { message: WRONG_KEY })
  key: unknown;
  @IsDate({ message: WRONG_TIME }) from: Date | undefined;
  @IsDate({ message: WRONG_TIME }) to: Date | undefined;

  constructor(body: Record<string, unknown>) {
    super(body);
    this.key = body.key;
    this.from = readMoment(body.from);
    this.to = readMoment(body.to);
  }
}

/**
 * Reads the query and the body. `dryRun` is required, so that leaving it out cannot purge by accident.
 * @throws AdminError naming the invalid field
 */
export function readPurge(
  query: Record<string, unknown>,
  body: unknown,
): Omit<PurgeScope, 'keyId'> & { key: string; isDryRun: boolean } {
  const inQuery = check(new DryRunQuery(query));
  const fields = check(new PurgeBody(fieldsOf(body)));
  const isDryRun = readDryRun(inQuery, fields);
  if (isDryRun === undefined) throw new AdminError('invalid_request', NO_DRY_RUN, 'dryRun');
  const [from, to] = [fields.from as Date, fields.to as Date];
  if (!isDryRun && to.getTime() > Date.now()) {
    throw new AdminError('invalid_request', 'to must not be in the future.', 'to');
  }
  return { key: fields.key as string, from: from.toISOString(), to: to.toISOString(), isDryRun };
}

/** `GET /v1/purges`. */
export class PurgesQuery {
  @IsOptional() @IsIn(purgeStates) state: PurgeState | undefined;
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of a purge' })
  after: string | undefined;
  @Page(500) limit: number;

  constructor(query: Record<string, unknown>) {
    this.state = query.state as PurgeState | undefined;
    this.after = query.after as string | undefined;
    this.limit = readCount(query.limit, 50);
  }
}

export function readPurgesQuery(query: Record<string, unknown>) {
  const { state, after, limit } = check(new PurgesQuery(query));
  return { state, after, limit };
}
