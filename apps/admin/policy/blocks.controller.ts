import { Controller, Delete, Get, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore } from '#storage';
import { BlockList, OneBlock } from '../answers/policy.js';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { Documented } from '../reference/documented.js';
import { isUuid } from '../requests.js';
import { KnownProducts } from './known-products.js';
import { BlockBody, readBlockBody } from './requests.js';

/** Events that are acknowledged and dropped. */
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
    summary: 'Drops events of a name, of a version of their product, or of both',
    about: 'Their senders hear success, and they are counted as blocked.',
    status: 201,
    body: BlockBody,
    answer: OneBlock,
    refuses: ['conflict'],
  })
  async create(@Req() request: FastifyRequest): Promise<OneBlock> {
    const rule = readBlockBody(request.body);
    const refusal = await this.known.refuse(rule.product);
    if (refusal !== null) throw new AdminError('invalid_request', refusal, 'product');
    const { block, isNew } = await this.policy.blocks.create(rule, administratorOf(request));
    if (!isNew) throw new AdminError('conflict', `There is such a block already: ${block.id}.`);
    await this.publisher.publish();
    return { block };
  }

  @Get()
  @Scope('quarantine:write')
  @Documented({ summary: 'Which events are dropped', answer: BlockList })
  async list(): Promise<BlockList> {
    return { blocks: await this.policy.blocks.list() };
  }

  /** Takes such events again. */
  @Delete(':id')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Takes such events again',
    about: 'What was dropped does not come back.',
    answer: OneBlock,
    refuses: ['not_found'],
  })
  async remove(@Param('id') id: string, @Req() request: FastifyRequest): Promise<OneBlock> {
    const actor = administratorOf(request);
    const block = isUuid(id) ? await this.policy.blocks.remove(id, actor) : null;
    if (!block) throw new AdminError('not_found', 'There is no such block.');
    await this.publisher.publish();
    return { block };
  }
}
