import { Controller, Get, Param, Patch, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PolicyPublisher } from '#queue';
import { PolicyStore } from '#storage';
import { OneProduct, ProductList } from '../answers/policy.js';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { Documented } from '../reference/documented.js';
import { KnownProducts } from './known-products.js';
import { ProductBody, readProductChange } from './requests.js';

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
  @Documented({
    summary: 'What holds for each product',
    about:
      'Of the products that are declared, and of all others that have a key, a decision or events.',
    answer: ProductList,
  })
  async list(): Promise<ProductList> {
    return { products: await this.known.list() };
  }

  @Patch(':product')
  @Scope('keys:write')
  @Documented({
    summary: 'Changes what holds for a product',
    about: 'A field that is not given stays as it is.',
    body: ProductBody,
    answer: OneProduct,
    refuses: ['not_found'],
  })
  async change(
    @Param('product') name: string,
    @Req() request: FastifyRequest,
  ): Promise<OneProduct> {
    const change = readProductChange(request.body);
    const refusal = await this.known.refuse(name);
    if (refusal !== null) throw new AdminError('not_found', refusal, 'product');
    const actor = administratorOf(request).name;
    const product = await this.policy.products.change(name, change, actor);
    await this.publisher.publish();
    return { product };
  }
}
