import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { PolicyPublisher } from '#queue';
import { PolicyStore, type Administrator } from '#storage';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isUuid } from '../http/validation.js';
import { BlockBody, BlockList, OneBlock } from './blocks.dto.js';
import { KnownProducts } from './known-products.js';

/** Blocks: rules for events that are acknowledged and dropped. */
@Controller('v1/blocks')
export class BlocksController {
  constructor(
    private readonly policy: PolicyStore,
    private readonly publisher: PolicyPublisher,
    private readonly known: KnownProducts,
  ) {}

  @Post()
  @Scope('quarantine:write')
  @Documented({
    summary: 'Blocks events by name, product version, or both',
    about:
      'Matching events are dropped and counted as blocked. Their senders get a success response.',
    status: 201,
    response: OneBlock,
    refuses: ['conflict'],
  })
  async create(@Body() body: BlockBody, @Caller() caller: Administrator): Promise<OneBlock> {
    const { product, event = null, version = null, note = null } = body;
    if (event === null && version === null) {
      const message = 'A block needs an event, a version, or both.';
      throw new AdminError('invalid_request', message, 'event');
    }
    const refusal = await this.known.refuse(product);
    if (refusal !== null) throw new AdminError('invalid_request', refusal, 'product');
    const rule = { product, event, version, note };
    const { block, isNew } = await this.policy.blocks.create(rule, caller);
    if (!isNew) throw new AdminError('conflict', `This block already exists: ${block.id}.`);
    await this.publisher.publish();
    return { block };
  }

  @Get()
  @Scope('quarantine:write')
  @Documented({ summary: 'Lists blocks', response: BlockList })
  async list(): Promise<BlockList> {
    return { blocks: await this.policy.blocks.list() };
  }

  @Delete(':id')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Removes a block',
    about: 'Matching events are stored again. Events that were dropped are not recovered.',
    response: OneBlock,
    refuses: ['not_found'],
  })
  async remove(@Param('id') id: string, @Caller() caller: Administrator): Promise<OneBlock> {
    const block = isUuid(id) ? await this.policy.blocks.remove(id, caller) : null;
    if (!block) throw new AdminError('not_found', 'Block not found.');
    await this.publisher.publish();
    return { block };
  }
}
