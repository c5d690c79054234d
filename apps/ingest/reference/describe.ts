import type { Type } from '@nestjs/common';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import type { RouteConfiguration } from '../authenticate.js';
import { statusOf, type ErrorCode } from '../errors.js';

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

export interface Media {
  schema: Schema;
  /** By title. */
  examples?: Record<string, { value: unknown }>;
}

export interface Description {
  summary: string;
  about?: string;
  /** Path parameters. */
  path?: Record<string, Schema>;
  /** Query parameters. */
  query?: Record<string, Schema & { description: string }>;
  headers?: Record<string, string>;
  /** The body by its content type. */
  body?: Record<string, Media>;
  /** Responses by status, except errors. */
  answers: Record<number, { about: string; schema: Schema }>;
  /** No key is needed. Never set for routes that accept events. */
  isOpen?: boolean;
  refuses?: readonly ErrorCode[];
}

export const KEY_SCHEMES = { bearer: 'bearer', basic: 'basic', query: 'query' } as const;

/** Errors that any request with a body can get. */
const OF_BODIES = [
  'bad_request',
  'invalid_json',
  'invalid_encoding',
  'body_too_large',
  'inflated_too_large',
  'too_deep',
  'too_many_values',
  'unsupported_encoding',
] as const satisfies ErrorCode[];

/**
 * Applies OpenAPI decorators to a route from outside its controller, because loading them would cost each ingest
 * process 14 MB and 0.2 seconds.
 */
export function describe<T>(
  controller: Type<T>,
  method: Extract<keyof T, string>,
  description: Description,
): void {
  const { prototype } = controller as unknown as { prototype: object };
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  if (!descriptor) throw new Error(`There is no route ${method}.`);
  for (const decorate of decoratorsOf(description, descriptor.value as object)) {
    decorate(prototype, method, descriptor);
  }
}

function decoratorsOf(description: Description, handler: object): MethodDecorator[] {
  const { summary, about, body, answers, path = {}, query = {}, headers = {} } = description;
  const parameters = Object.entries(headers).map(([name, text]) => ({
    ...{ name, in: 'header', required: false, description: text, schema: { type: 'string' } },
  }));
  const operation = {
    summary,
    ...(about !== undefined && { description: about }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: body } }),
  };
  return [
    ApiOperation(operation as Parameters<typeof ApiOperation>[0]),
    ...Object.entries(path).map(([name, schema]) => ApiParam({ name, schema })),
    ...Object.entries(query).map(([name, { description: text, ...schema }]) =>
      ApiQuery({ name, required: false, description: text, schema }),
    ),
    ...Object.entries(answers).map(([status, answer]) => answered(Number(status), answer)),
    ...refusals(description),
    ...(description.isOpen ? [ApiSecurity({})] : keysOf(handler)),
  ];
}

function answered(status: number, { about, schema }: Description['answers'][number]) {
  return ApiResponse({ status, description: about, content: { 'application/json': { schema } } });
}

function refusals({ body, isOpen = false, refuses = [], answers }: Description): MethodDecorator[] {
  const codes = new Set<ErrorCode>([
    ...(body ? OF_BODIES : []),
    ...(isOpen ? [] : (['unauthorized'] as const)),
    ...refuses,
    'internal',
  ]);
  const statuses = [...new Set([...codes].map((code) => statusOf[code]))];
  return statuses.map((status) => {
    const ofStatus = [...codes].filter((code) => statusOf[code] === status);
    const schema = refusalOf(ofStatus, answers[status]?.schema);
    const content = { 'application/json': { schema } };
    return ApiResponse({ status, description: ofStatus.join(', '), content });
  });
}

/** The error body with the codes of one status, or another response of the route with that status. */
function refusalOf(codes: readonly ErrorCode[], other: Schema | undefined): Schema {
  const narrowed = { type: 'object', properties: { code: { type: 'string', enum: codes } } };
  const refusal = { allOf: [{ $ref: '#/components/schemas/Refusal' }, narrowed] };
  return other ? { anyOf: [other, refusal] } : refusal;
}

/** Where the key may be, from the route's configuration. */
function keysOf(handler: object): MethodDecorator[] {
  const { keyInBody = false } = (Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) ??
    {}) as RouteConfiguration;
  return [
    ApiSecurity(KEY_SCHEMES.bearer),
    ApiSecurity(KEY_SCHEMES.basic),
    ApiSecurity(KEY_SCHEMES.query),
    ...(keyInBody ? [ApiSecurity({})] : []),
  ];
}
