import { Controller, Delete, Get, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore } from '#storage';
import { BlockList, OneBlock } from './policy.dto.js';
import { AdminError } from '../http/errors.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isUuid } from '../http/validation.js';
import { KnownProducts } from './known-products.js';
import { BlockBody, readBlockBody } from './policy.requests.js';

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
    body: BlockBody,
    response: OneBlock,
    refuses: ['conflict'],
  })
  async create(@Req() request: FastifyRequest): Promise<OneBlock> {
    const rule = readBlockBody(request.body);
    const refusal = await this.known.refuse(rule.product);
    if (refusal !== null) throw new AdminError('invalid_request', refusal, 'product');
    const { block, isNew } = await this.policy.blocks.create(rule, administratorOf(request));
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
  async remove(@Param('id') id: string, @Req() request: FastifyRequest): Promise<OneBlock> {
    const actor = administratorOf(request);
    const block = isUuid(id) ? await this.policy.blocks.remove(id, actor) : null;
    if (!block) throw new AdminError('not_found', 'Block not found.');
    await this.publisher.publish();
    return { block };
  }
}
