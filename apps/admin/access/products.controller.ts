import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { PolicyPublisher } from '#queue';
import { AdminStore, PolicyStore, type Administrator, type AdminScope } from '#storage';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { KnownProducts } from './known-products.js';
import { OneProduct, ProductBody, ProductList } from './products.dto.js';

/** Changes that remove stored data need this scope in addition. */
const REMOVING: AdminScope = 'erasures:write';

/** Settings of whole products: limits, self-erasure, retention. */
@Controller('v1/products')
export class ProductsController {
  constructor(
    private readonly policy: PolicyStore,
    private readonly publisher: PolicyPublisher,
    private readonly known: KnownProducts,
    private readonly admins: AdminStore,
  ) {}

  @Get()
  @Scope('products:write', 'keys:write', 'operations:read')
  @Documented({
    summary: 'Lists products and their settings',
    about: 'Lists all products that have a declaration, a write key, settings or events.',
    response: ProductList,
  })
  async list(): Promise<ProductList> {
    return { products: await this.known.list() };
  }

  @Patch(':product')
  @Scope('products:write')
  @Documented({
    summary: 'Changes the settings of a product',
    about:
      'Omitted fields stay unchanged. Enabling self-erasure or shortening the retention also requires `erasures:write`.',
    response: OneProduct,
    refuses: ['not_found'],
  })
  async change(
    @Param('product') name: string,
    @Body() change: ProductBody,
    @Caller() caller: Administrator,
  ): Promise<OneProduct> {
    if (Object.keys(change).length === 0) {
      throw new AdminError('invalid_request', 'Nothing to change. Give at least one field.');
    }
    const refusal = await this.known.refuse(name);
    if (refusal !== null) throw new AdminError('not_found', refusal, 'product');
    const mayRemove = caller.scopes.includes(REMOVING);
    const product = await this.policy.products.change(name, change, { actor: caller, mayRemove });
    if (!product) {
      const detail = Object.assign({ product: name }, change);
      await this.admins.record({
        ...{ actor: caller, act: 'product.change', outcome: 'refused', detail },
      });
      const message = `This change can remove stored data, which requires the scope ${REMOVING}.`;
      throw new AdminError('forbidden', message);
    }
    await this.publisher.publish();
    return { product };
  }
}
