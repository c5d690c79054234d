import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsOptional } from 'class-validator';
import { check, fieldsOf, Page, readCount, Text } from '../http/validation.js';

/** `GET /v1/queue/failed`. */
export class FailedJobsQuery {
  @Page(500) limit: number;

  constructor(query: Record<string, unknown>) {
    this.limit = readCount(query.limit, 50);
  }
}

/** `POST /v1/queue/failed/retry`. */
export class RetryBody {
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(500)
  @Text(100, { least: 1, each: true })
  ids: unknown;

  constructor(body: Record<string, unknown>) {
    this.ids = body.ids;
  }
}

export function readFailedJobsQuery(query: Record<string, unknown>): { limit: number } {
  return check(new FailedJobsQuery(query));
}

/** @returns no ids where all are meant */
export function readRetryBody(body: unknown): { ids: string[] | undefined } {
  const { ids } = check(new RetryBody(fieldsOf(body)));
  return { ids: (ids ?? undefined) as string[] | undefined };
}
