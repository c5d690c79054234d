import { applyDecorators, HttpCode, SetMetadata } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiOperation,
  ApiProperty,
  ApiQuery,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { errorCodes, statusOf, type ErrorCode } from '../errors.js';
import { describeFields, fieldsOf, type Field, type RequestClass } from './validated.js';

/** Under which a route's handler keeps its documentation. */
export const DOCUMENTATION = 'documentation';

/** How the reference names the administrators' tokens. */
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

/** An answer that is no JSON of ours: its content type, and in words what it holds. */
interface Text {
  contentType: string;
  about: string;
}

export interface Documentation {
  /** In a few words, as a heading. */
  summary: string;
  /** What else has to be known. */
  about?: string;
  /** The status of success, which is set as well: 200. */
  status?: number;
  /** The class of what is answered. */
  answer: (new () => object) | Text;
  /** The class that checks the query. */
  query?: RequestClass;
  /** The class that checks the body. */
  body?: RequestClass;
  /** Whether the body may be left out as a whole. */
  isBodyOptional?: boolean;
  /** Media types of a body that come to the same as its class in JSON. */
  alsoTakes?: readonly string[];
  /** What it may refuse beside what a query, a body or a scope brings with it. */
  refuses?: readonly ErrorCode[];
}

/**
 * Documents a route for the reference (docs/reference). The same classes decide which query parameters
 * and body fields the route accepts (RequestShape). Every route needs one.
 */
export function Documented(documentation: Documentation): MethodDecorator {
  const { summary, about, status = 200, answer, query, body } = documentation;
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
    answered(status, summary, answer),
    ...(query ? fieldsOf(query).map(asked) : []),
    refuses(refused),
  );
}

/** That a route may refuse with these codes. */
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
  answer: Documentation['answer'],
): MethodDecorator {
  if (typeof answer === 'function') return ApiResponse({ status, description, type: answer });
  const { contentType, about } = answer;
  const content = { [contentType]: { schema: { type: 'string' as const } } };
  return ApiResponse({ status, description: about, content });
}

/** Several values of one field stand with commas between. */
function asked(field: Field): MethodDecorator {
  const isList = field.schema.type === 'array';
  return ApiQuery({ ...field, ...(isList && { explode: false }) });
}

function contentOf(body: RequestClass, alsoTakes: readonly string[]) {
  describeFields(body);
  const texts = alsoTakes.map((type) => [type, { schema: { type: 'string' } }] as const);
  const json = { schema: { $ref: getSchemaPath(body) } };
  return { 'application/json': json, ...Object.fromEntries(texts) };
}
