import 'reflect-metadata';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { AdminError } from './errors.js';

/** The query of a write that supports dry runs. */
export class DryRunQuery {
  @IsOptional() @IsIn(['true', 'false']) dryRun: unknown;

  constructor(query: Record<string, unknown>) {
    this.dryRun = query.dryRun;
  }
}

/** The body of a write that supports dry runs. */
export class DryRunBody {
  @IsOptional() @IsBoolean() dryRun: unknown;

  constructor(body: Record<string, unknown>) {
    this.dryRun = body.dryRun;
  }
}

/**
 * Whether a write is a dry run, from its validated query and body; undefined if neither has the field.
 * Null in the body is rejected: it must not turn a dry run into a write.
 * @throws AdminError if they differ
 */
export function readDryRun(query: DryRunQuery, body: DryRunBody): boolean | undefined {
  return readSwitch('dryRun', query.dryRun, body.dryRun);
}

/** Likewise for any field that is `true` or `false` in the query and a boolean in the body. */
export function readSwitch(name: string, inQuery: unknown, inBody: unknown): boolean | undefined {
  if (inBody === null) {
    throw new AdminError('invalid_request', `${name} must be true or false.`, name);
  }
  const queryValue = inQuery === undefined ? undefined : inQuery === 'true';
  return eitherOf(name, queryValue, inBody as boolean | undefined);
}

/** The value of a field that may be in the query or in the body. @throws AdminError if they differ */
export function eitherOf<T>(name: string, inQuery: T, inBody: T): T {
  if (inQuery !== undefined && inBody !== undefined && inQuery !== inBody) {
    const message = `${name} differs between the query and the body.`;
    throw new AdminError('invalid_request', message, name);
  }
  return inQuery ?? inBody;
}
