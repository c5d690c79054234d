import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AdminStore, type Administrator, type AdminScope } from '#storage';
import { AdminError } from './errors.js';

const SCOPES = 'scopes';
/** What a token needs to use a route, one of these; a route without any is open to everybody. */
export const Scope = (...scopes: AdminScope[]) => SetMetadata(SCOPES, scopes);

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
    if (scopes === undefined) return true;
    const request = context.switchToHttp().getRequest<AdminRequest>();
    this.refuseGuessers(request.ip);
    const administrator = await this.identify(request);
    if (!administrator) {
      this.countWrong(request.ip);
      throw new AdminError('unauthorized', 'A valid token is needed, as Bearer.');
    }
    if (!scopes.some((scope) => administrator.scopes.includes(scope))) {
      const act = scopes.join(' or ');
      await this.store.record({ actor: administrator.name, act, outcome: 'refused' });
      throw new AdminError('forbidden', `The token lacks the scope ${act}.`);
    }
    request.administrator = administrator;
    return true;
  }

  private async identify({ headers }: FastifyRequest): Promise<Administrator | null> {
    const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return token === undefined ? null : this.store.findAdministrator(token);
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
