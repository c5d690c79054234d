import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { AdminStore, type Administrator, type AdminScope } from '#storage';
import { AdminError } from './errors.js';
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

/** The administrator whose token the request holds; there is one on every route with a scope. */
export function administratorOf(request: FastifyRequest): Administrator {
  const { administrator } = request as AdminRequest;
  if (!administrator) throw new Error('The route has no scope.');
  return administrator;
}

const MAX_WRONG = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Lets nobody in without a token of a scope of the route, and nobody guess. */
@Injectable()
export class Gatekeeper implements CanActivate {
  /** Wrong tokens by address, in memory only. */
  readonly #wrong = new Map<string, { count: number; until: number }>();

  constructor(
    private readonly reflector: Reflector,
    private readonly store: AdminStore,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scopes = this.reflector.get<AdminScope[] | undefined>(SCOPES, context.getHandler());
    if (!scopes) throw new Error('The route has no scope and is not open.');
    if (scopes.length === 0) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    await this.admit(request, scopes, bearerOf(request));
    return true;
  }

  /** Lets whoever has the token do what one of the scopes allows. @throws AdminError */
  async admit(
    request: AdminRequest,
    scopes: readonly AdminScope[],
    token: string | undefined,
  ): Promise<void> {
    this.refuseGuessers(request.ip);
    const administrator = token === undefined ? null : await this.store.findAdministrator(token);
    if (!administrator) {
      // A browser sends none before it is asked, for each of the files of a page at once.
      if (token !== undefined) this.countWrong(request.ip);
      throw new AdminError('unauthorized', 'A valid token is needed, as Bearer.');
    }
    if (!scopes.some((scope) => administrator.scopes.includes(scope))) {
      const needed = scopes.join(' or ');
      await this.store.record({ actor: administrator.name, act: needed, outcome: 'refused' });
      throw new AdminError('forbidden', `The token lacks the scope ${needed}.`);
    }
    request.administrator = administrator;
  }

  private refuseGuessers(address: string): void {
    const wrong = this.#wrong.get(address);
    if (wrong && wrong.until < Date.now()) this.#wrong.delete(address);
    else if (wrong && wrong.count >= MAX_WRONG) {
      throw new AdminError('too_many_attempts', 'Too many wrong tokens; wait a minute.');
    }
  }

  private countWrong(address: string): void {
    if (this.#wrong.size >= MAX_ADDRESSES) this.#wrong.clear();
    const count = (this.#wrong.get(address)?.count ?? 0) + 1;
    this.#wrong.set(address, { count, until: Date.now() + WINDOW_MS });
  }
}

/** The token of `Authorization: Bearer`. */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
