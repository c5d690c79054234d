import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { AdminStore, type Administrator } from '#storage';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isStorable } from '../http/fields.js';
import { MadeToken, OneToken, TokenBody, TokenList } from './tokens.dto.js';

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
    response: MadeToken,
    refuses: ['conflict'],
  })
  async create(
    @Body() { name, days, ...body }: TokenBody,
    @Caller() caller: Administrator,
  ): Promise<MadeToken> {
    const { scopes = caller.scopes } = body;
    const missing = scopes.find((scope) => !caller.scopes.includes(scope));
    if (missing !== undefined) {
      await this.recordRefusal(caller, { name, scopes });
      const message = `Your token lacks the scope ${missing}, so it cannot grant it.`;
      throw new AdminError('forbidden', message, 'scopes');
    }
    const lifeMs = days === undefined ? undefined : days * DAY_MS;
    const issued = await this.admins.issueToken({ name, scopes, lifeMs }, caller);
    if (issued === 'taken') {
      const message = 'This name is in use, or was used before. Choose another name.';
      throw new AdminError('conflict', message, 'name');
    }
    if (issued === 'outlives') {
      await this.recordRefusal(caller, { name, scopes, days });
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
  async revoke(@Param('name') name: string, @Caller() caller: Administrator): Promise<OneToken> {
    const ended = isStorable(name) ? await this.admins.endToken(name, caller) : null;
    if (!ended) throw new AdminError('not_found', 'Token not found.');
    if ('token' in ended) return ended;
    const message = `Your token lacks the scope ${ended.lacking}, so it cannot revoke this one.`;
    throw new AdminError('forbidden', message);
  }

  private async recordRefusal(actor: Administrator, detail: object): Promise<void> {
    await this.admins.record({ actor, act: 'token.create', outcome: 'refused', detail });
  }
}
