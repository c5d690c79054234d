import type { PolicyStore } from '#storage';
import type { ListedProduct } from '../answers/policy.js';

/** The products that there are: those declared, and those with a key, a decision or events. */
export class KnownProducts {
  constructor(
    private readonly declared: readonly string[],
    private readonly policy: PolicyStore,
  ) {}

  async list(): Promise<ListedProduct[]> {
    const products = await this.policy.products.list(this.declared);
    return products.map((it) => ({ ...it, isDeclared: this.declared.includes(it.product) }));
  }

  /** @returns a sentence that says which there are, where it is none of them; null where it is one */
  async refuse(product: string): Promise<string | null> {
    const names = (await this.list()).map((it) => it.product);
    return names.includes(product)
      ? null
      : `There is no such product; there are ${names.join(', ')}.`;
  }
}
