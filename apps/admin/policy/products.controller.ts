import { Controller, Get, Param, Patch, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore } from '#storage';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { KnownProducts } from './known-products.js';
import { readProductChange } from './requests.js';

/** What holds for whole products: limits, self-erasure, retention. */
@Controller('v1/products')
export class ProductsController {
  constructor(
    private readonly policy: PolicyStore,
    private readonly publisher: PolicyPublisher,
    private readonly known: KnownProducts,
  ) {}

  @Get()
  @Scope('keys:write')
  async list() {
    return { products: await this.known.list() };
  }

  @Patch(':product')
  @Scope('keys:write')
  async change(@Param('product') name: string, @Req() request: FastifyRequest) {
    const change = readProductChange(request.body);
    const refusal = await this.known.refuse(name);
    if (refusal !== null) throw new AdminError('not_found', refusal, 'product');
    const actor = administratorOf(request).name;
    const product = await this.policy.products.change(name, change, actor);
    await this.publisher.publish();
    return { product };
  }
}
