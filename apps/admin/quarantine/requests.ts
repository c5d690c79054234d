import 'reflect-metadata';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
} from 'class-validator';
import {
  quarantineFilterFields,
  summaryFields,
  type QuarantineFilter,
  type SummaryField,
} from '#storage';
import { parseTimestamp, quarantineReasons } from '#telemetry';
import { AdminError } from '../errors.js';
import { Within } from '../reference/validated.js';
import { check, fieldsOf, Page } from '../requests.js';

type Fields = Record<string, unknown>;

const MAX_TEXT = 300;
const WRONG_BY = `by must be one or several of ${summaryFields.join(', ')}, with commas between`;

/** Which quarantined events are meant, as a query or as a part of a body. */
export class FilterFields {
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

/** `GET /v1/quarantine`. A bigint of Postgres has 19 digits. */
export class EventsQuery extends FilterFields {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'after must be the id of an event' })
  after: string | undefined;
  @Page(500) limit: number;

  constructor(query: Fields) {
    super(query);
    this.after = query.after as string | undefined;
    this.limit = Number(query.limit ?? 50);
  }
}

/** `GET /v1/quarantine/summary`. */
export class SummaryQuery extends FilterFields {
  @IsOptional()
  @IsArray({ message: WRONG_BY })
  @ArrayUnique({ message: WRONG_BY })
  @IsIn(summaryFields, { each: true, message: WRONG_BY })
  by: unknown;
  @Page(500) limit: number;

  constructor(query: Fields) {
    super(query);
    const { by = 'product,reason,path,version', limit = 100 } = query;
    this.by = typeof by === 'string' ? by.split(',') : by;
    this.limit = Number(limit);
  }
}

/** `GET /v1/quarantine/jobs`. */
export class JobsQuery {
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of a job' })
  after: string | undefined;
  @Page(500) limit: number;

  constructor(query: Fields) {
    this.after = query.after as string | undefined;
    this.limit = Number(query.limit ?? 50);
  }
}

/** `POST /v1/quarantine/replays`. */
export class ReplayBody {
  @Within(FilterFields) filter: unknown;

  constructor(body: Fields) {
    this.filter = body.filter ?? {};
  }
}

/** `POST /v1/quarantine/discards`. */
export class DiscardBody extends ReplayBody {
  @ApiProperty({ description: 'To discard all, which a filter that says nothing does not.' })
  @IsOptional()
  @IsBoolean({ message: 'all must be true or false' })
  all: unknown;

  constructor(body: Fields) {
    super(body);
    this.all = body.all;
  }
}

export function readListQuery(query: Fields) {
  const fields = check(new EventsQuery(query));
  return { filter: filterOf(fields, ''), after: fields.after, limit: fields.limit };
}

export function readSummaryQuery(query: Fields) {
  const fields = check(new SummaryQuery(query));
  const asked = fields.by as SummaryField[];
  return {
    filter: filterOf(fields, ''),
    by: summaryFields.filter((field) => asked.includes(field)),
    limit: fields.limit,
  };
}

export function readJobsQuery(query: Fields) {
  const { after, limit } = check(new JobsQuery(query));
  return { after, limit };
}

/** `{"filter": {"product": "dcos"}}`. A filter that says nothing means all. */
export function readReplayBody(body: unknown): QuarantineFilter {
  const filter = fieldsOf(new ReplayBody(fieldsOf(body)).filter);
  return filterOf(check(new FilterFields(filter), 'filter.'), 'filter.');
}

/** The same; but to discard all, that has to be said: `{"all": true}`. */
export function readDiscardBody(body: unknown): QuarantineFilter {
  const { all, ...rest } = fieldsOf(body);
  check(new DiscardBody({ all }));
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

/** @param at where the fields stand in the request */
function filterOf(fields: FilterFields, at: string): QuarantineFilter {
  const said = quarantineFilterFields.flatMap((field) => {
    const value = fields[field] as string | undefined;
    if (value === undefined) return [];
    const isTime = field === 'from' || field === 'to';
    return [[field, isTime ? readTime(value, at + field) : value]];
  });
  return Object.fromEntries(said) as QuarantineFilter;
}

function readTime(text: string, path: string): string {
  const time = parseTimestamp(text);
  if (time !== null) return new Date(time).toISOString();
  throw new AdminError('invalid_request', `${path} must be a time in RFC 3339.`, path);
}
