import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { errorCodes, statusOf, type ErrorCode } from './errors.js';
import { describeFields, fieldsOf, type Field, type RequestClass } from './json-schema.js';

/** The metadata key of a route's documentation. */
export const DOCUMENTATION = 'documentation';

/** The name of the security scheme of administrators' tokens. */
export const TOKEN_SCHEME = 'token';

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
  /** The class that validates the query. */
  query?: RequestClass;
  /** The class that validates the body. */
  body?: RequestClass;
  /** Whether the body may be omitted. */
  isBodyOptional?: boolean;
  /** Other media types that the body may have. */
  alsoTakes?: readonly string[];
  /** Error codes, in addition to those that every route with a query, a body or a scope has. */
  refuses?: readonly ErrorCode[];
}

/**
 * Documents a route for the reference (docs/reference). The same classes decide which query parameters
 * and body fields the route accepts (RequestShape). Every route needs one.
 */
export function Documented(documentation: Documentation): MethodDecorator {
  const { summary, about, status = 200, response, query, body } = documentation;
  const { alsoTakes = [], isBodyOptional = false } = documentation;
  const refused: ErrorCode[] = [
    'bad_request',
    'invalid_request',
    ...(documentation.refuses ?? []),
    'internal',
  ];
  return applyDecorators(
    SetMetadata(DOCUMENTATION, documentation),
    HttpCode(status),
    ApiOperation({
      summary,
      ...(about !== undefined && { description: about }),
      ...(body && {
        requestBody: { required: !isBodyOptional, content: contentOf(body, alsoTakes) },
      }),
    }),
    ...(body ? [ApiExtraModels(body)] : []),
    answered(status, summary, response),
    ...(query ? fieldsOf(query).map(queryParameter) : []),
    refuses(refused),
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

function contentOf(body: RequestClass, alsoTakes: readonly string[]) {
  describeFields(body);
  const texts = alsoTakes.map((type) => [type, { schema: { type: 'string' } }] as const);
  const json = { schema: { $ref: getSchemaPath(body) } };
  return { 'application/json': json, ...Object.fromEntries(texts) };
}
