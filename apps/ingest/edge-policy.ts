import {
  decisionsOf,
  noPolicy,
  type Decisions,
  type EventLimits,
  type Policy,
  type Products,
} from '#telemetry';
import type { WriteKeys } from './write-keys.js';

/** The policy, in a form for fast lookups per request. */
export class EdgePolicy {
  #decisions: Decisions;
  #limits: ReadonlyMap<string, EventLimits> = new Map();

  constructor(
    private readonly keys: WriteKeys,
    private readonly products: Products,
  ) {
    this.#decisions = decisionsOf(noPolicy, products);
  }

  apply(policy: Policy): void {
    this.keys.decide(policy.keys);
    this.#decisions = decisionsOf(policy, this.products);
    const limited = policy.products.filter(({ limits }) =>
      Object.values(limits).some((limit) => limit !== null),
    );
    this.#limits = new Map(limited.map(({ product, limits }) => [product, limits]));
  }

  get decisions(): Decisions {
    return this.#decisions;
  }

  /** Null if the product has no limits. */
  limitsOf(product: string): EventLimits | null {
    return this.#limits.get(product) ?? null;
  }
}
