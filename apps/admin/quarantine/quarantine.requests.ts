import 'reflect-metadata';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsUUID,
  Matches,
} from 'class-validator';
import {
  quarantineFilterFields,
  summaryFields,
  type QuarantineFilter,
  type SummaryField,
} from '#storage';
import { quarantineReasons } from '#telemetry';
import { AdminError } from '../http/errors.js';
import { Within } from '../http/json-schema.js';
import { check, fieldsOf, Moment, Page, readCount, readMoment, Text } from '../http/validation.js';

type Fields = Record<string, unknown>;

const MAX_TEXT = 300;
const WRONG_BY = `by must be a comma-separated list of ${summaryFields.join(', ')}, each at most once`;

/** Selects quarantined events, in a query or as part of a body. */
export class FilterFields {
  @IsOptional() @Text(MAX_TEXT) product: unknown;
  @IsOptional() @Text(MAX_TEXT) event: unknown;
  @IsOptional() @IsIn(quarantineReasons) reason: unknown;
  @IsOptional() @Text(MAX_TEXT) path: unknown;
  @IsOptional() @Text(MAX_TEXT) version: unknown;
  @Moment() from: Date | undefined;
  @Moment() to: Date | undefined;

  constructor(fields: Fields) {
    const { product, event, reason, path, version, from, to } = fields;
    this.product = product ?? undefined;
    this.event = event ?? undefined;
    this.reason = reason ?? undefined;
    this.path = path ?? undefined;
    this.version = version ?? undefined;
    this.from = readMoment(from ?? undefined);
    this.to = readMoment(to ?? undefined);
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
    this.limit = readCount(query.limit, 50);
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
    const { by = 'product,reason,path,version', limit } = query;
    this.by = typeof by === 'string' ? by.split(',') : by;
    this.limit = readCount(limit, 100);
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
    this.limit = readCount(query.limit, 50);
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
  @ApiProperty({
    description: 'Must be true to discard all events, and only then may `filter` be empty.',
  })
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
  return { filter: filterOf(fields), after: fields.after, limit: fields.limit };
}

export function readSummaryQuery(query: Fields) {
  const fields = check(new SummaryQuery(query));
  const by = fields.by as SummaryField[];
  return {
    filter: filterOf(fields),
    by: summaryFields.filter((field) => by.includes(field)),
    limit: fields.limit,
  };
}

export function readJobsQuery(query: Fields) {
  const { after, limit } = check(new JobsQuery(query));
  return { after, limit };
}

/** Reads `{"filter": {"product": "dcos"}}`. An empty filter selects all events. */
export function readReplayBody(body: unknown): QuarantineFilter {
  const filter = fieldsOf(new ReplayBody(fieldsOf(body)).filter);
  return filterOf(check(new FilterFields(filter), 'filter.'));
}

/** Reads a filter as for a replay, but discarding everything requires `{"all": true}`. */
export function readDiscardBody(body: unknown): QuarantineFilter {
  const { all, ...rest } = fieldsOf(body);
  check(new DiscardBody({ all }));
  const filter = readReplayBody(rest);
  if (all !== true && Object.keys(filter).length === 0) {
    const message = 'filter is empty. To discard all events, pass "all": true.';
    throw new AdminError('invalid_request', message, 'filter');
  }
  if (all === true && Object.keys(filter).length > 0) {
    throw new AdminError('invalid_request', 'Pass either all or filter, not both.', 'all');
  }
  return filter;
}

/** The id of a quarantined event, or null. */
export function asEventId(text: string): string | null {
  return /^\d{1,18}$/.test(text) ? text : null;
}

function filterOf(fields: FilterFields): QuarantineFilter {
  const given = quarantineFilterFields.flatMap((field) => {
    const value = fields[field];
    if (value === undefined) return [];
    return [[field, value instanceof Date ? value.toISOString() : value]];
  });
  return Object.fromEntries(given) as QuarantineFilter;
}
