import 'reflect-metadata';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import {
  quarantineFilterFields,
  summaryFields,
  type QuarantineFilter,
  type SummaryField,
} from '#storage';
import { parseTimestamp, quarantineReasons } from '#telemetry';
import { AdminError } from '../errors.js';
import { check, isUuid } from '../requests.js';

type Fields = Record<string, unknown>;

const MAX_TEXT = 300;

/** Which quarantined events are meant, as a query or as a part of a body. */
class FilterFields {
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) product: unknown;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) event: unknown;
  @IsOptional() @IsIn(quarantineReasons) reason: unknown;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) path: unknown;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) version: unknown;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) from: unknown;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) to: unknown;

  constructor(fields: Fields) {
    for (const field of quarantineFilterFields) this[field] = fields[field] ?? undefined;
  }
}

/** Where in a list to go on. A bigint of Postgres has 19 digits. */
class PageFields {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'after must be the id of an event' })
  after: string | undefined;

  constructor(fields: Fields) {
    this.after = fields.after as string | undefined;
  }
}

export function readListQuery(query: Fields) {
  refuseOthers(query, ['limit', 'after'], '');
  const { after } = check(new PageFields(query));
  return { filter: readFilter(query, ''), after, limit: readLimit(query.limit, 50) };
}

export function readSummaryQuery(query: Fields) {
  refuseOthers(query, ['by', 'limit'], '');
  return {
    filter: readFilter(query, ''),
    by: readBy(query.by ?? 'product,reason,path,version'),
    limit: readLimit(query.limit, 100),
  };
}

export function readJobsQuery(query: Fields) {
  const { after } = query;
  if (after !== undefined && !isUuid(after)) {
    throw new AdminError('invalid_request', 'after must be the id of a job.', 'after');
  }
  return { after, limit: readLimit(query.limit, 50) };
}

/** `{"filter": {"product": "dcos"}}`. A filter that says nothing means all. */
export function readReplayBody(body: unknown): QuarantineFilter {
  const fields = asFields(body, 'The body', '');
  refuseUnknown(fields, ['filter'], '');
  const filter = asFields(fields.filter ?? {}, 'filter', 'filter');
  refuseOthers(filter, [], 'filter.');
  return readFilter(filter, 'filter.');
}

/** The same; but to discard all, that has to be said: `{"all": true}`. */
export function readDiscardBody(body: unknown): QuarantineFilter {
  const { all, ...rest } = asFields(body, 'The body', '');
  if (all !== undefined && typeof all !== 'boolean') {
    throw new AdminError('invalid_request', 'all must be true or false.', 'all');
  }
  const filter = readReplayBody(rest);
  if (all !== true && Object.keys(filter).length === 0) {
    const message = 'A filter that says nothing would discard all; say so with "all": true.';
    throw new AdminError('invalid_request', message, 'filter');
  }
  if (all === true && Object.keys(filter).length > 0) {
    throw new AdminError('invalid_request', 'all is said beside a filter; say one of them.', 'all');
  }
  return filter;
}

/** The id of a quarantined event, or null. */
export function asEventId(text: string): string | null {
  return /^\d{1,18}$/.test(text) ? text : null;
}

function readFilter(fields: Fields, at: string): QuarantineFilter {
  const filter = checkAt(new FilterFields(fields), at) as QuarantineFilter;
  const { from, to } = filter;
  const said = {
    ...filter,
    ...(from !== undefined && { from: readTime(from, `${at}from`) }),
    ...(to !== undefined && { to: readTime(to, `${at}to`) }),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function checkAt<T extends object>(fields: T, at: string): T {
  try {
    return check(fields);
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    throw new AdminError(error.code, error.message, at + (error.path ?? ''));
  }
}

function readTime(text: string, path: string): string {
  const time = parseTimestamp(text);
  if (time !== null) return new Date(time).toISOString();
  throw new AdminError('invalid_request', `${path} must be a time in RFC 3339.`, path);
}

function readBy(by: unknown): SummaryField[] {
  const fields = typeof by === 'string' ? by.split(',') : [];
  const known = summaryFields.filter((field) => fields.includes(field));
  if (known.length > 0 && known.length === fields.length) return known;
  const message = `by must be one or several of ${summaryFields.join(', ')}, with commas between.`;
  throw new AdminError('invalid_request', message, 'by');
}

function readLimit(limit: unknown, usually: number): number {
  const number = Number(limit ?? usually);
  if (Number.isInteger(number) && number >= 1 && number <= 500) return number;
  throw new AdminError('invalid_request', 'limit must be a whole number from 1 to 500.', 'limit');
}

/** A mistyped name in a filter would mean far more events than were meant. */
function refuseOthers(fields: Fields, more: readonly string[], at: string): void {
  refuseUnknown(fields, [...quarantineFilterFields, ...more], at);
}

function refuseUnknown(fields: Fields, known: readonly string[], at: string): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const path = at + unknown.slice(0, 50);
  throw new AdminError('invalid_request', `${path} is not one of ${known.join(', ')}.`, path);
}

function asFields(value: unknown, name: string, path: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new AdminError('invalid_request', `${name} must be an object.`, path || undefined);
}
