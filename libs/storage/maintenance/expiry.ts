import type pg from 'pg';
import { withLockRetry } from '../database/transaction.js';

const DAY_MS = 86_400_000;

/**
 * The cutoff of each product: rows received earlier have expired. A cutoff is the first of a month, because whole
 * months are dropped.
 */
export class Expiry {
  readonly #now: number;
  readonly #defaultDays: number;
  /** Retention of the products that override the default. */
  readonly #days: ReadonlyMap<string, number>;

  constructor(now: number, defaultDays: number, days: ReadonlyMap<string, number>) {
    this.#now = now;
    this.#defaultDays = defaultDays;
    this.#days = days;
  }

  cutoffFor(product: string): Date {
    return this.#cutoff(this.#days.get(product) ?? this.#defaultDays);
  }

  /** The cutoff of products that do not override the default. */
  get defaultCutoff(): Date {
    return this.#cutoff(this.#defaultDays);
  }

  /** Rows received earlier have expired for at least one product. */
  get latestCutoff(): Date {
    return this.#cutoff(Math.min(this.#defaultDays, ...this.#days.values()));
  }

  /** Statement parameters: the overriding products, their cutoffs, and the default cutoff. */
  get columns(): [products: string[], cutoffs: string[], defaultCutoff: string] {
    const products = [...this.#days.keys()];
    const cutoffs = products.map((product) => this.cutoffFor(product).toISOString());
    return [products, cutoffs, this.defaultCutoff.toISOString()];
  }

  #cutoff(days: number): Date {
    const date = new Date(this.#now - days * DAY_MS);
    return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
  }
}

export async function readExpiry(
  client: pg.ClientBase,
  { now, retentionDays }: { now: number; retentionDays: number },
): Promise<Expiry> {
  const { rows } = await client.query<{ product: string; days: number }>(
    `SELECT product, retention_days AS days FROM product_policy WHERE retention_days IS NOT NULL`,
  );
  return new Expiry(now, retentionDays, new Map(rows.map(({ product, days }) => [product, days])));
}

/** All products with reports, and the ids of their origins. */
export async function readProducts(client: pg.ClientBase): Promise<Map<string, number[]>> {
  const { rows } = await client.query<{ product: string; origins: number[] }>(
    'SELECT product, array_agg(origin_id) AS origins FROM origin GROUP BY product',
  );
  return new Map(rows.map(({ product, origins }) => [product, origins]));
}

/**
 * Stores the first day with complete reports, before earlier ones are removed. Months are dropped by receive time,
 * and an agent's clock may be up to a day ahead of it, so the first day after a dropped month is incomplete.
 */
export async function raiseRetentionFloor(
  client: pg.ClientBase,
  expiry: Expiry,
  { products, signal }: { products: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const days = products.map((product) =>
    new Date(expiry.cutoffFor(product).getTime() + DAY_MS).toISOString().slice(0, 10),
  );
  await withLockRetry(client, signal, () =>
    client.query(
      `INSERT INTO retention_floor AS f SELECT * FROM unnest($1::text[], $2::date[])
       ON CONFLICT (product) DO UPDATE SET day = greatest(f.day, excluded.day)`,
      [products, days],
    ),
  );
}
