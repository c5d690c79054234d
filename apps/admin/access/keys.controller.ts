import { Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore, type UnrotatableReason } from '#storage';
import { MadeWriteKey, OneWriteKey, RotatedWriteKey, WriteKeyList } from './policy.dto.js';
import { AdminError } from '../http/errors.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isUuid } from '../http/validation.js';
import {
  KeyBody,
  KeyQuery,
  readKeyBody,
  readKeyQuery,
  readRotateBody,
  RotateBody,
} from './policy.requests.js';

const WHY_NOT: Record<UnrotatableReason, string> = {
  revoked: 'The key was revoked. Create a new one.',
  expired: 'The key has expired. Create a new one.',
  replaced: 'The key was already rotated. Rotate the key that replaced it.',
};

/** Write keys, which agents use to send events. */
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly policy: PolicyStore,
    private readonly publisher: PolicyPublisher,
  ) {}

  @Post()
  @Scope('keys:write')
  @Documented({
    summary: 'Creates a write key',
    about:
      'The response is the only one that contains the secret. The product does not need a declaration.',
    status: 201,
    body: KeyBody,
    response: MadeWriteKey,
  })
  async create(@Req() request: FastifyRequest): Promise<MadeWriteKey> {
    const { product, name } = readKeyBody(request.body);
    const made = await this.policy.keys.create(product, name, administratorOf(request));
    await this.publisher.publish();
    return made;
  }

  @Get()
  @Scope('keys:write')
  @Documented({
    summary: 'Lists write keys, including expired and revoked ones',
    query: KeyQuery,
    response: WriteKeyList,
  })
  async list(@Query() query: Record<string, unknown>): Promise<WriteKeyList> {
    return { keys: await this.policy.keys.list(readKeyQuery(query)) };
  }

  @Post(':id/rotate')
  @Scope('keys:write')
  @Documented({
    summary: 'Rotates a write key',
    about:
      'Creates a key that replaces this one. The old key stays valid for `overlapHours`. Keys that were revoked, have expired or were already rotated cannot be rotated.',
    status: 201,
    body: RotateBody,
    isBodyOptional: true,
    response: RotatedWriteKey,
    refuses: ['not_found', 'conflict'],
  })
  async rotate(@Param('id') id: string, @Req() request: FastifyRequest): Promise<RotatedWriteKey> {
    const overlapHours = readRotateBody(request.body);
    const actor = administratorOf(request);
    const rotated = isUuid(id) ? await this.policy.keys.rotate(id, overlapHours, actor) : null;
    if (rotated === null) throw noSuchKey();
    if (typeof rotated === 'string') throw new AdminError('conflict', WHY_NOT[rotated]);
    await this.publisher.publish();
    return rotated;
  }

  @Delete(':id')
  @Scope('keys:write')
  @Documented({
    summary: 'Revokes a write key immediately',
    response: OneWriteKey,
    refuses: ['not_found'],
  })
  async revoke(@Param('id') id: string, @Req() request: FastifyRequest): Promise<OneWriteKey> {
    const actor = administratorOf(request);
    const key = isUuid(id) ? await this.policy.keys.revoke(id, actor) : null;
    if (!key) throw noSuchKey();
    await this.publisher.publish();
    return { key };
  }
}

function noSuchKey(): AdminError {
  return new AdminError('not_found', 'Write key not found.');
}
