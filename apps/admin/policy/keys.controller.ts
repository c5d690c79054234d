import { Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore, type UnrotatableReason } from '#storage';
import { MadeWriteKey, OneWriteKey, RotatedWriteKey, WriteKeyList } from '../answers/policy.js';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { Documented } from '../reference/documented.js';
import { isUuid } from '../requests.js';
import {
  KeyBody,
  KeyQuery,
  readKeyBody,
  readKeyQuery,
  readRotateBody,
  RotateBody,
} from './requests.js';

const WHY_NOT: Record<UnrotatableReason, string> = {
  revoked: 'The key was revoked; make a new one.',
  expired: 'The key has expired; make a new one.',
  replaced: 'The key was replaced before; rotate the one that took its place.',
};

/** Write keys: with which agents send events. */
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly policy: PolicyStore,
    private readonly publisher: PolicyPublisher,
  ) {}

  /** The secret is shown this once. */
  @Post()
  @Scope('keys:write')
  @Documented({
    summary: 'Makes a write key',
    about: 'Any product may have keys, also one that has no declaration yet.',
    status: 201,
    body: KeyBody,
    answer: MadeWriteKey,
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
    summary: 'Write keys, also those that have ended',
    query: KeyQuery,
    answer: WriteKeyList,
  })
  async list(@Query() query: Record<string, unknown>): Promise<WriteKeyList> {
    return { keys: await this.policy.keys.list(readKeyQuery(query)) };
  }

  /** Makes a key that takes the place of this one, which still works for a while. */
  @Post(':id/rotate')
  @Scope('keys:write')
  @Documented({
    summary: 'Makes a key in the place of another',
    about:
      'The old one still works for a while. One that has ended or was replaced before is refused.',
    status: 201,
    body: RotateBody,
    isBodyOptional: true,
    answer: RotatedWriteKey,
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

  /** Ends it at once. */
  @Delete(':id')
  @Scope('keys:write')
  @Documented({ summary: 'Ends a write key at once', answer: OneWriteKey, refuses: ['not_found'] })
  async revoke(@Param('id') id: string, @Req() request: FastifyRequest): Promise<OneWriteKey> {
    const actor = administratorOf(request);
    const key = isUuid(id) ? await this.policy.keys.revoke(id, actor) : null;
    if (!key) throw noSuchKey();
    await this.publisher.publish();
    return { key };
  }
}

function noSuchKey(): AdminError {
  return new AdminError('not_found', 'There is no such key.');
}
