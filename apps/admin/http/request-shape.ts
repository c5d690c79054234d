import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AdminError } from './errors.js';
import { DOCUMENTATION, type Documentation } from './documented.js';
import { shapeOf, type RequestClass } from './json-schema.js';

/** Maximum length of an unknown name in an error message. */
const SHOWN_CHARACTERS = 50;

/**
 * Rejects query parameters and body fields that a route does not document: a misspelt `dryRun` must not erase, and
 * a misspelt filter must not match everything. Applies to every route.
 */
@Injectable()
export class RequestShape implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  /** @throws AdminError */
  canActivate(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const documented = this.reflector.get<Documentation | undefined>(DOCUMENTATION, handler);
    if (!documented) throw new Error('The route is not documented.');
    const { query, body } = context.switchToHttp().getRequest<FastifyRequest>();
    checkQuery(query as Record<string, unknown>, documented.query);
    checkBody(body, documented);
    return true;
  }
}

function checkQuery(query: Record<string, unknown>, allowed: RequestClass | undefined): void {
  refuseUnknown(Object.keys(query), allowed ? shapeOf(allowed).names : [], 'query parameter');
  const twice = Object.keys(query).find((name) => Array.isArray(query[name]));
  if (twice === undefined) return;
  throw new AdminError(
    'invalid_request',
    `The query parameter ${twice} must be given only once.`,
    twice,
  );
}

function checkBody(body: unknown, documented: Documentation): void {
  const { body: allowed, isBodyOptional = false, alsoTakes = [] } = documented;
  if (body === undefined && (isBodyOptional || !allowed)) return;
  if (typeof body === 'string' && alsoTakes.length > 0) return;
  if (!isObject(body)) throw new AdminError('invalid_request', 'The body must be a JSON object.');
  if (allowed) checkFields(body, allowed);
  else refuseUnknown(Object.keys(body), [], 'body field');
}

/** @param place of the fields in the body, such as `limits.` */
function checkFields(fields: Record<string, unknown>, allowed: RequestClass, place = ''): void {
  const { names, within } = shapeOf(allowed);
  refuseUnknown(Object.keys(fields), names, 'body field', place);
  for (const [name, inner] of within) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    const path = place + name;
    if (isObject(value)) checkFields(value, inner, `${path}.`);
    else throw new AdminError('invalid_request', `${path} must be a JSON object.`, path);
  }
}

function refuseUnknown(
  given: readonly string[],
  allowed: readonly string[],
  kind: string,
  place = '',
): void {
  const unknown = given.find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  const path = place + unknown.slice(0, SHOWN_CHARACTERS).toWellFormed();
  const hint = allowed.length > 0 ? `allowed: ${allowed.join(', ')}` : 'none are allowed here';
  throw new AdminError('invalid_request', `Unknown ${kind} ${path}; ${hint}.`, path);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
