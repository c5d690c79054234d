import { Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore } from '#storage';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { isUuid } from '../requests.js';
import { KnownProducts } from './known-products.js';
import { readBlockBody } from './requests.js';

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
  @HttpCode(201)
  async create(@Req() request: FastifyRequest) {
    const rule = readBlockBody(request.body);
    const refusal = await this.known.refuse(rule.product);
    if (refusal !== null) throw new AdminError('invalid_request', refusal, 'product');
    const { block, isNew } = await this.policy.blocks.create(rule, administratorOf(request).name);
    if (!isNew) throw new AdminError('conflict', `There is such a block already: ${block.id}.`);
    await this.publisher.publish();
    return { block };
  }

  @Get()
  @Scope('quarantine:write')
  async list() {
    return { blocks: await this.policy.blocks.list() };
  }

  /** Takes such events again. */
  @Delete(':id')
  @Scope('quarantine:write')
  async remove(@Param('id') id: string, @Req() request: FastifyRequest) {
    const { name } = administratorOf(request);
    const block = isUuid(id) ? await this.policy.blocks.remove(id, name) : null;
    if (!block) throw new AdminError('not_found', 'There is no such block.');
    await this.publisher.publish();
    return { block };
  }
}
