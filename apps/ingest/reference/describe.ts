import type { Type } from '@nestjs/common';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import type { RouteConfiguration } from '../authenticate.js';
import { statusOf, type ErrorCode } from '../errors.js';

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

export interface Media {
  schema: Schema;
  /** By a few words each. */
  examples?: Record<string, { value: unknown }>;
}

export interface Description {
  summary: string;
  about?: string;
  /** What the parts of the address are. */
  path?: Record<string, Schema>;
  /** What may be asked for in the query, and what it means. */
  query?: Record<string, Schema & { description: string }>;
  headers?: Record<string, string>;
  /** The body by its content type. */
  body?: Record<string, Media>;
  /** What is answered in success, by status. */
  answers: Record<number, { about: string; schema: Schema }>;
  /** Without a key; a route that takes events never is. */
  isOpen?: boolean;
  refuses?: readonly ErrorCode[];
}

export const KEY_SCHEMES = { bearer: 'bearer', basic: 'basic', query: 'query' } as const;

/** What every request with a body may be refused for. */
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
 * Describes a route from outside of its controller: these decorators leave what they say where the
 * docs find it, and would cost each ingest process 14 MB and a fifth of a second if it loaded them.
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

/** The error body with the codes of one status, or what else the route answers with that status. */
function refusalOf(codes: readonly ErrorCode[], other: Schema | undefined): Schema {
  const narrowed = { type: 'object', properties: { code: { type: 'string', enum: codes } } };
  const refusal = { allOf: [{ $ref: '#/components/schemas/Refusal' }, narrowed] };
  return other ? { anyOf: [other, refusal] } : refusal;
}

/** Where the key may be, by the configuration that the route is guarded with. */
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
