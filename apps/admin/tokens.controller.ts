import { Controller, Delete, Get, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { StoreClock } from '#queue';
import { AdminStore } from '#storage';
import { MadeToken, OneToken, TokenList } from './answers/administrators.js';
import { AdminError } from './errors.js';
import { administratorOf, Scope } from './gatekeeper.js';
import { Documented } from './reference/documented.js';
import { readTokenBody, TokenBody } from './token-requests.js';

const DAY_MS = 86_400_000;

/** Tokens of administrators. */
@Controller('v1/tokens')
export class TokensController {
  constructor(
    private readonly admins: AdminStore,
    private readonly clock: StoreClock,
  ) {}

  /** The secret is shown this once. Nobody can give more than they may themselves. */
  @Post()
  @Scope('keys:write')
  @Documented({
    summary: 'Makes a token for another administrator',
    about: 'It may do no more than the asker may. A name in use is refused.',
    status: 201,
    body: TokenBody,
    answer: MadeToken,
    refuses: ['conflict'],
  })
  async create(@Req() request: FastifyRequest): Promise<MadeToken> {
    const asker = administratorOf(request);
    const { name, scopes = asker.scopes, days } = readTokenBody(request.body);
    const missing = scopes.find((scope) => !asker.scopes.includes(scope));
    if (missing !== undefined) {
      const detail = { name, scopes };
      await this.admins.record({
        ...{ actor: asker.name, act: 'token.create', outcome: 'refused', detail },
      });
      const message = `You lack the scope ${missing}, so you cannot give it to others.`;
      throw new AdminError('forbidden', message, 'scopes');
    }
    const expiresAt = days === undefined ? undefined : new Date(this.clock.now() + days * DAY_MS);
    const issued = await this.admins.issueToken({ name, scopes }, expiresAt, asker.name);
    if (issued) return issued;
    throw new AdminError('conflict', 'There is a token of this name; revoke it first.', 'name');
  }

  @Get()
  @Scope('keys:write')
  @Documented({ summary: 'Tokens, also those that have ended', answer: TokenList })
  async list(): Promise<TokenList> {
    return { tokens: await this.admins.tokens() };
  }

  @Delete(':name')
  @Scope('keys:write')
  @Documented({ summary: 'Ends a token at once', answer: OneToken, refuses: ['not_found'] })
  async revoke(@Param('name') name: string, @Req() request: FastifyRequest): Promise<OneToken> {
    const token = await this.admins.endToken(name, administratorOf(request).name);
    if (!token) throw new AdminError('not_found', 'There is no such token.');
    return { token };
  }
}
