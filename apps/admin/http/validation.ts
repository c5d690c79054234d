import type {
  ArgumentMetadata,
  CanActivate,
  ExecutionContext,
  PipeTransform,
} from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { validateSync, type ValidationError } from 'class-validator';
import { DOCUMENTATION, type DocumentedRoute } from './documented.js';
import { isObject, makeDto, refuseUnknown, type Fields } from './dto.js';
import { AdminError } from './errors.js';
import type { DtoClass } from './json-schema.js';

const QUERY_PARAMETER = 'query parameter';
const BODY_FIELD = 'body field';

/**
 * Rejects a query or a body that the handler does not take: a misspelt `dryRun` must not erase. Applies to every route,
 * and leaves an object as the body.
 */
@Injectable()
export class RequestShape implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  /** @throws AdminError */
  canActivate(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const route = this.reflector.get<DocumentedRoute | undefined>(DOCUMENTATION, handler);
    if (!route) throw new Error('The route is not documented.');
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!route.query) refuseUnknown(request.query as Fields, [], QUERY_PARAMETER);
    request.body = bodyOf(request.body, route);
    if (!route.body) refuseUnknown(request.body as Fields, [], BODY_FIELD);
    return true;
  }
}

function bodyOf(body: unknown, { body: dto, isBodyOptional, csv }: DocumentedRoute): object {
  if (body === undefined && (isBodyOptional || !dto)) return {};
  if (typeof body === 'string' && csv) return csv(body);
  if (isObject(body)) return body;
  throw new AdminError('invalid_request', 'The body must be a JSON object.');
}

/**
 * Makes and validates the DTO of each `@Body()` and `@Query()`. Nest's own pipe needs class-transformer, and would
 * accept an array or no body at all, and convert strings by guessing.
 */
@Injectable()
export class ValidationPipe implements PipeTransform {
  /** @throws AdminError that names the first invalid field */
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'query' && type !== 'body') return value;
    const fields = value as Fields;
    const kind = type === 'query' ? QUERY_PARAMETER : BODY_FIELD;
    const dto = makeDto(metatype as DtoClass, fields, kind);
    if (type === 'query') refuseRepeated(fields);
    const [error] = validateSync(dto, { stopAtFirstError: true });
    if (error) throw refusalOf(error);
    return dto;
  }
}

/** @throws AdminError if a parameter is repeated */
function refuseRepeated(query: Fields): void {
  const twice = Object.keys(query).find((name) => Array.isArray(query[name]));
  if (twice === undefined) return;
  const message = `The query parameter ${twice} must be given only once.`;
  throw new AdminError('invalid_request', message, twice);
}

function refusalOf(
  { property, constraints, children = [] }: ValidationError,
  place = '',
): AdminError {
  const [inner] = children;
  if (inner) return refusalOf(inner, `${place}${property}.`);
  const [message = 'is invalid'] = Object.values(constraints ?? {});
  return new AdminError('invalid_request', `${place}${message}.`, place + property);
}

export function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}
