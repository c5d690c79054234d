import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { applyDecorators, createParamDecorator, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { AdminStore, type Administrator, type AdminScope } from '#storage';
import { AdminError } from './errors.js';
import { Guesses } from './guesses.js';
import { KnownTokens } from './known-tokens.js';
import { refuses, TOKEN_SCHEME } from './documented.js';

const SCOPES = 'scopes';

/** Requires a token with one of these scopes. */
export const Scope = (...scopes: [AdminScope, ...AdminScope[]]) =>
  applyDecorators(
    SetMetadata(SCOPES, scopes),
    ...scopes.map((scope) => ApiSecurity(TOKEN_SCHEME, [scope])),
    // Tokens are looked up in the database.
    refuses(['unauthorized', 'forbidden', 'too_many_attempts', 'unavailable']),
  );

/** A route without authentication. Routes with neither `@Public` nor `@Scope` reject every request. */
export const Public = () => applyDecorators(SetMetadata(SCOPES, []), ApiSecurity({}));

interface AdminRequest extends FastifyRequest {
  administrator?: Administrator;
}

/** The authenticated administrator; undefined before authentication. */
export function administratorIn(request: FastifyRequest): Administrator | undefined {
  return (request as AdminRequest).administrator;
}

/** The authenticated administrator of a route with `@Scope`. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const caller = administratorIn(context.switchToHttp().getRequest<FastifyRequest>());
  if (!caller) throw new Error('The route has no @Scope.');
  return caller;
});

/**
 * Admits tokens that have one of the route's scopes. Invalid tokens are counted by address before any query. They
 * never lock out a valid token, because an administrator may share the attacker's address.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly store: AdminStore,
    private readonly known: KnownTokens,
    private readonly guesses: Guesses,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scopes = this.reflector.get<AdminScope[] | undefined>(SCOPES, context.getHandler());
    if (!scopes) throw new Error('The route has neither @Scope nor @Public.');
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
    // Not a guess: a browser sends no token until it is asked for one, for each file of a page.
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
    if (!this.known.has(token)) await this.requireKnown(token, address);
    const administrator = await this.store.findAdministrator(token);
    if (administrator) return administrator;
    this.known.forget(token);
    throw this.refusal(this.guesses.count(address));
  }

  /** An unknown token counts as a guess, unless it has just been created. @throws AdminError */
  private async requireKnown(token: string, address: string): Promise<void> {
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
