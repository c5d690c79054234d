import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { PolicyPublisher } from '#queue';
import { PolicyStore, type Administrator, type UnrotatableReason } from '#storage';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isUuid } from '../http/validation.js';
import {
  KeyBody,
  KeyQuery,
  MadeWriteKey,
  OneWriteKey,
  RotateBody,
  RotatedWriteKey,
  WriteKeyList,
} from './keys.dto.js';

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
    response: MadeWriteKey,
  })
  async create(@Body() body: KeyBody, @Caller() caller: Administrator): Promise<MadeWriteKey> {
    const { product, name = null } = body;
    const made = await this.policy.keys.create(product, name, caller);
    await this.publisher.publish();
    return made;
  }

  @Get()
  @Scope('keys:write')
  @Documented({
    summary: 'Lists write keys, including expired and revoked ones',
    response: WriteKeyList,
  })
  async list(@Query() { product }: KeyQuery): Promise<WriteKeyList> {
    return { keys: await this.policy.keys.list(product) };
  }

  @Post(':id/rotate')
  @Scope('keys:write')
  @Documented({
    summary: 'Rotates a write key',
    about:
      'Creates a key that replaces this one. The old key stays valid for `overlapHours`. Keys that were revoked, have expired or were already rotated cannot be rotated.',
    status: 201,
    isBodyOptional: true,
    response: RotatedWriteKey,
    refuses: ['not_found', 'conflict'],
  })
  async rotate(
    @Param('id') id: string,
    @Body() { overlapHours }: RotateBody,
    @Caller() caller: Administrator,
  ): Promise<RotatedWriteKey> {
    const rotated = isUuid(id) ? await this.policy.keys.rotate(id, overlapHours, caller) : null;
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
  async revoke(@Param('id') id: string, @Caller() caller: Administrator): Promise<OneWriteKey> {
    const key = isUuid(id) ? await this.policy.keys.revoke(id, caller) : null;
    if (!key) throw noSuchKey();
    await this.publisher.publish();
    return { key };
  }
}

function noSuchKey(): AdminError {
  return new AdminError('not_found', 'Write key not found.');
}
