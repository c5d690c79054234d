import { Controller, Delete, Get, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AdminStore, type Administrator } from '#storage';
import { MadeToken, OneToken, TokenList } from './tokens.dto.js';
import { AdminError } from '../http/errors.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isStorable } from '../http/validation.js';
import { readTokenBody, TokenBody } from './tokens.requests.js';

const DAY_MS = 86_400_000;

/** Administrators' tokens. */
@Controller('v1/tokens')
export class TokensController {
  constructor(private readonly admins: AdminStore) {}

  @Post()
  @Scope('tokens:write')
  @Documented({
    summary: 'Creates a token for another administrator',
    about:
      'A token can only grant scopes that it has itself, and cannot create a token that outlives it. Names cannot be reused, even those of revoked or expired tokens.',
    status: 201,
    body: TokenBody,
    response: MadeToken,
    refuses: ['conflict'],
  })
  async create(@Req() request: FastifyRequest): Promise<MadeToken> {
    const asker = administratorOf(request);
    const { name, scopes = asker.scopes, days } = readTokenBody(request.body);
    const missing = scopes.find((scope) => !asker.scopes.includes(scope));
    if (missing !== undefined) {
      await this.recordRefusal(asker, { name, scopes });
      const message = `Your token lacks the scope ${missing}, so it cannot grant it.`;
      throw new AdminError('forbidden', message, 'scopes');
    }
    const lifeMs = days === undefined ? undefined : days * DAY_MS;
    const issued = await this.admins.issueToken({ name, scopes, lifeMs }, asker);
    if (issued === 'taken') {
      const message = 'This name is in use, or was used before. Choose another name.';
      throw new AdminError('conflict', message, 'name');
    }
    if (issued === 'outlives') {
      await this.recordRefusal(asker, { name, scopes, days });
      throw new AdminError('forbidden', 'Your token expires before the new one would.', 'days');
    }
    return issued;
  }

  @Get()
  @Scope('tokens:write')
  @Documented({ summary: 'Lists tokens, including expired and revoked ones', response: TokenList })
  async list(): Promise<TokenList> {
    return { tokens: await this.admins.tokens() };
  }

  @Delete(':name')
  @Scope('tokens:write')
  @Documented({
    summary: 'Revokes a token immediately',
    about: 'A token that has a scope which the caller lacks cannot be revoked.',
    response: OneToken,
    refuses: ['not_found'],
  })
  async revoke(@Param('name') name: string, @Req() request: FastifyRequest): Promise<OneToken> {
    const ended = isStorable(name)
      ? await this.admins.endToken(name, administratorOf(request))
      : null;
    if (!ended) throw new AdminError('not_found', 'Token not found.');
    if ('token' in ended) return ended;
    const message = `Your token lacks the scope ${ended.lacking}, so it cannot revoke this one.`;
    throw new AdminError('forbidden', message);
  }

  private async recordRefusal(actor: Administrator, detail: object): Promise<void> {
    await this.admins.record({ actor, act: 'token.create', outcome: 'refused', detail });
  }
}
