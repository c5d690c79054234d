import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import {
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { errorCodes, statusOf, type ErrorCode } from './errors.js';
import { describeFields, fieldsOf, type DtoClass, type Field } from './json-schema.js';

/** The metadata key of a route's documentation. */
export const DOCUMENTATION = 'documentation';

/** The name of the security scheme of administrators' tokens. */
export const TOKEN_SCHEME = 'token';

export const CSV = 'text/csv';

/** The one error body. */
export class Refusal {
  @ApiProperty({ enum: [false] })
  success!: boolean;

  @ApiProperty({ enum: errorCodes, description: 'A machine-readable error code.' })
  code!: ErrorCode;

  @ApiProperty({ description: 'A human-readable explanation.' })
  message!: string;

  @ApiProperty({ required: false, description: 'The field or parameter that caused the error.' })
  path?: string;
}

/** A response that is not JSON. `about` describes its content. */
interface TextResponse {
  contentType: string;
  about: string;
}

export interface Documentation {
  /** A heading. */
  summary: string;
  /** Further explanation. */
  about?: string;
  /** The status of a successful response, which is also set. Default: 200. */
  status?: number;
  /** The class of the response body. */
  response: (new () => object) | TextResponse;
  /** Whether the body may be omitted. */
  isBodyOptional?: boolean;
  /** Converts a CSV body to the fields of the JSON body. Only then the route takes CSV. */
  csv?: (text: string) => object;
  /** Error codes, in addition to those that every route with a query, a body or a scope has. */
  refuses?: readonly ErrorCode[];
}

/** A route's documentation, and what its handler takes. */
export interface DocumentedRoute extends Documentation {
  query: DtoClass | undefined;
  body: DtoClass | undefined;
}

/**
 * Documents a route for the reference (docs/reference), with the DTOs of its handler's `@Query()` and `@Body()`.
 * Every route needs one.
 */
export function Documented(documentation: Documentation): MethodDecorator {
  return (target, name, descriptor) => {
    const query = argumentOf(target, name, RouteParamtypes.QUERY);
    const body = argumentOf(target, name, RouteParamtypes.BODY);
    describe({ ...documentation, query, body })(target, name, descriptor);
  };
}

/** The class of the handler's argument that has this decorator. */
function argumentOf(
  target: object,
  name: string | symbol,
  decorator: RouteParamtypes,
): DtoClass | undefined {
  const types = Reflect.getMetadata('design:paramtypes', target, name) as DtoClass[];
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, name) ?? {}) as Record<
    string,
    { index: number }
  >;
  const found = Object.entries(args).find(([key]) => key.startsWith(`${decorator}:`));
  return found && types[found[1].index];
}

function describe(route: DocumentedRoute): MethodDecorator {
  const { summary, about, status = 200, response, query, body, isBodyOptional, csv } = route;
  return applyDecorators(
    SetMetadata(DOCUMENTATION, route),
    HttpCode(status),
    ApiOperation({ summary, ...(about !== undefined && { description: about }) }),
    ...(body ? [bodyOf(body, { required: !isBodyOptional, takesCsv: csv !== undefined })] : []),
    answered(status, summary, response),
    ...(query ? fieldsOf(query).map(queryParameter) : []),
    refuses(['bad_request', 'invalid_request', ...(route.refuses ?? []), 'internal']),
  );
}

/** Documents these error codes for a route. */
export function refuses(codes: readonly ErrorCode[]): MethodDecorator {
  const all = [...new Set(codes)];
  return applyDecorators(
    ApiExtraModels(Refusal),
    ...[...new Set(all.map((code) => statusOf[code]))].map((status) => {
      const ofStatus = all.filter((code) => statusOf[code] === status);
      const code = { type: 'string' as const, enum: ofStatus };
      const narrowed = { type: 'object' as const, properties: { code } };
      return ApiResponse({
        status,
        description: ofStatus.join(', '),
        schema: { allOf: [{ $ref: getSchemaPath(Refusal) }, narrowed] },
      });
    }),
  );
}

function answered(
  status: number,
  description: string,
  response: Documentation['response'],
): MethodDecorator {
  if (typeof response === 'function') return ApiResponse({ status, description, type: response });
  const { contentType, about } = response;
  const content = { [contentType]: { schema: { type: 'string' as const } } };
  return ApiResponse({ status, description: about, content });
}

/** Lists are comma-separated. */
function queryParameter(field: Field): MethodDecorator {
  const isList = field.schema.type === 'array';
  return ApiQuery({ ...field, ...(isList && { explode: false }) });
}

function bodyOf(
  body: DtoClass,
  { required, takesCsv }: { required: boolean; takesCsv: boolean },
): MethodDecorator {
  describeFields(body);
  const types = ['application/json', ...(takesCsv ? [CSV] : [])];
  return applyDecorators(ApiBody({ type: body, required }), ApiConsumes(...types));
}
