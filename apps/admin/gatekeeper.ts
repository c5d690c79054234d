import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { AdminStore, type Administrator, type AdminScope } from '#storage';
import { AdminError } from './errors.js';
import { Guesses } from './guesses.js';
import { KnownTokens } from './known-tokens.js';
import { refuses, TOKEN_SCHEME } from './reference/documented.js';

const SCOPES = 'scopes';

/** What a token needs to use a route: one of these scopes. */
export const Scope = (...scopes: [AdminScope, ...AdminScope[]]) =>
  applyDecorators(
    SetMetadata(SCOPES, scopes),
    ...scopes.map((scope) => ApiSecurity(TOKEN_SCHEME, [scope])),
    refuses(['unauthorized', 'forbidden', 'too_many_attempts']),
  );

/** A route for everybody. One that is neither this nor has a scope is for nobody. */
export const Open = () => applyDecorators(SetMetadata(SCOPES, []), ApiSecurity({}));

interface AdminRequest extends FastifyRequest {
  administrator?: Administrator;
}

/** The administrator whose token the request holds; undefined before it is admitted. */
export function administratorIn(request: FastifyRequest): Administrator | undefined {
  return (request as AdminRequest).administrator;
}

/** The same on a route with a scope, which always has one. */
export function administratorOf(request: FastifyRequest): Administrator {
  const administrator = administratorIn(request);
  if (!administrator) throw new Error('The route has no scope.');
  return administrator;
}

/**
 * Admits tokens that have a scope of the route. Guesses are counted by address before anything is looked
 * up, and never keep a valid token out: an administrator may share the address of one who guesses.
 */
@Injectable()
export class Gatekeeper implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly store: AdminStore,
    private readonly known: KnownTokens,
    private readonly guesses: Guesses,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scopes = this.reflector.get<AdminScope[] | undefined>(SCOPES, context.getHandler());
    if (!scopes) throw new Error('The route has no scope and is not open.');
    if (scopes.length === 0) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    await this.admit(request, scopes, bearerOf(request));
    return true;
  }

  /** Admits a token that has one of the scopes. @throws AdminError */
  async admit(
    request: AdminRequest,
    scopes: readonly AdminScope[],
    token: string | undefined,
  ): Promise<void> {
    // A browser sends none before it is asked, for each of the files of a page at once: no guess.
    if (token === undefined) throw unauthorized();
    const administrator = await this.identify(token, request.ip);
    if (!scopes.some((scope) => administrator.scopes.includes(scope))) {
      const needed = scopes.join(' or ');
      await this.store.record({ actor: administrator, act: needed, outcome: 'refused' });
      throw new AdminError('forbidden', `The token lacks the scope ${needed}.`);
    }
    request.administrator = administrator;
  }

  private async identify(token: string, address: string): Promise<Administrator> {
    if (!this.known.has(token)) await this.meet(token, address);
    const administrator = await this.store.findAdministrator(token);
    if (administrator) return administrator;
    this.known.forget(token);
    throw this.refusal(this.guesses.count(address));
  }

  /** A token that is not known is a guess, unless it was made a moment ago. @throws AdminError */
  private async meet(token: string, address: string): Promise<void> {
    const retryAfterS = this.guesses.count(address);
    await this.known.reload();
    if (!this.known.has(token)) throw this.refusal(retryAfterS);
    if (retryAfterS === 0) this.guesses.forgive(address);
  }

  private refusal(retryAfterS: number): AdminError {
    this.guesses.report();
    if (retryAfterS === 0) return unauthorized();
    const message = 'Too many invalid tokens from this address. Retry later.';
    return new AdminError('too_many_attempts', message, undefined, retryAfterS);
  }
}

function unauthorized(): AdminError {
  return new AdminError('unauthorized', 'Missing or invalid bearer token.');
}

/** The token of `Authorization: Bearer`. */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
