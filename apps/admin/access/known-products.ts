import type { PolicyStore } from '#storage';
import type { ListedProduct } from './products.dto.js';

/** The known products: those with a declaration, a write key, settings or events. */
export class KnownProducts {
  constructor(
    private readonly declared: readonly string[],
    private readonly policy: PolicyStore,
  ) {}

  async list(): Promise<ListedProduct[]> {
    const products = await this.policy.products.list(this.declared);
    return products.map((it) => ({ ...it, isDeclared: this.declared.includes(it.product) }));
  }

  /** @returns null for a known product; otherwise an error message that lists the known products */
  async refuse(product: string): Promise<string | null> {
    const names = (await this.list()).map((it) => it.product);
    return names.includes(product) ? null : `Unknown product. Known products: ${names.join(', ')}.`;
  }
}
