import { Controller, Delete, Get, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AdminStore, type Administrator } from '#storage';
import { MadeToken, OneToken, TokenList } from './answers/administrators.js';
import { AdminError } from './errors.js';
import { administratorOf, Scope } from './gatekeeper.js';
import { Documented } from './reference/documented.js';
import { isTokenName, readTokenBody, TokenBody } from './token-requests.js';

const DAY_MS = 86_400_000;

/** Tokens of administrators. */
@Controller('v1/tokens')
export class TokensController {
  constructor(private readonly admins: AdminStore) {}

  /** The secret is shown this once. A token gives no scope that it lacks. */
  @Post()
  @Scope('tokens:write')
  @Documented({
    summary: 'Makes a token for another administrator',
    about: 'It has no scope that its maker lacks. A name that any token had before is refused.',
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
      await this.recordRefusal(asker, { name, scopes });
      const message = `Your token lacks the scope ${missing}, so it cannot give it to others.`;
      throw new AdminError('forbidden', message, 'scopes');
    }
    const lifeMs = days === undefined ? undefined : days * DAY_MS;
    const issued = await this.admins.issueToken({ name, scopes, lifeMs }, asker);
    if (issued) return issued;
    const message = 'A token has this name, or had it before; choose another.';
    throw new AdminError('conflict', message, 'name');
  }

  @Get()
  @Scope('tokens:write')
  @Documented({ summary: 'Tokens, also those that have ended', answer: TokenList })
  async list(): Promise<TokenList> {
    return { tokens: await this.admins.tokens() };
  }

  @Delete(':name')
  @Scope('tokens:write')
  @Documented({
    summary: 'Ends a token at once',
    about: 'One that has a scope that the caller lacks is refused.',
    answer: OneToken,
    refuses: ['not_found'],
  })
  async revoke(@Param('name') name: string, @Req() request: FastifyRequest): Promise<OneToken> {
    const ended = isTokenName(name)
      ? await this.admins.endToken(name, administratorOf(request))
      : null;
    if (!ended) throw new AdminError('not_found', 'There is no such token.');
    if ('token' in ended) return ended;
    const message = `Your token lacks the scope ${ended.lacking}, so it cannot end this one.`;
    throw new AdminError('forbidden', message);
  }

  private async recordRefusal(actor: Administrator, detail: object): Promise<void> {
    await this.admins.record({ actor, act: 'token.create', outcome: 'refused', detail });
  }
}
