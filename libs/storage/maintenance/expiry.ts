import type pg from 'pg';
import { withLockRetry } from '../database/transaction.js';

const DAY_MS = 86_400_000;

/**
 * Until when things are kept. Months go as a whole, so each product has a first of a month: what is
 * before it has expired.
 */
export class Expiry {
  readonly #now: number;
  readonly #usualDays: number;
  /** Of the products that an administrator has said something about. */
  readonly #days: ReadonlyMap<string, number>;

  constructor(now: number, usualDays: number, days: ReadonlyMap<string, number>) {
    this.#now = now;
    this.#usualDays = usualDays;
    this.#days = days;
  }

  /** What a product has from before this time has expired. */
  endOf(product: string): Date {
    return this.#end(this.#days.get(product) ?? this.#usualDays);
  }

  /** The same for products without a setting of their own. */
  get usualEnd(): Date {
    return this.#end(this.#usualDays);
  }

  /** What is before this time has expired for some product. */
  get latestEnd(): Date {
    return this.#end(Math.min(this.#usualDays, ...this.#days.values()));
  }

  /** For a statement: products and their ends as two columns, and the end of all others. */
  get columns(): [products: string[], ends: string[], usualEnd: string] {
    const products = [...this.#days.keys()];
    const ends = products.map((product) => this.endOf(product).toISOString());
    return [products, ends, this.usualEnd.toISOString()];
  }

  #end(days: number): Date {
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

/** The products that reports may be of, and the numbers of their origins. */
export async function readProducts(client: pg.ClientBase): Promise<Map<string, number[]>> {
  const { rows } = await client.query<{ product: string; origins: number[] }>(
    'SELECT product, array_agg(origin_id) AS origins FROM origin GROUP BY product',
  );
  return new Map(rows.map(({ product, origins }) => [product, origins]));
}

/**
 * Says from which day on reports are complete, before those of earlier days go. An agent's clock may be a
 * day ahead of the receive time that months go by, so the first day after a dropped month is not.
 */
export async function raiseFloor(
  client: pg.ClientBase,
  expiry: Expiry,
  { products, signal }: { products: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const days = products.map((product) =>
    new Date(expiry.endOf(product).getTime() + DAY_MS).toISOString().slice(0, 10),
  );
  await withLockRetry(client, signal, () =>
    client.query(
      `INSERT INTO retention_floor AS f SELECT * FROM unnest($1::text[], $2::date[])
       ON CONFLICT (product) DO UPDATE SET day = greatest(f.day, excluded.day)`,
      [products, days],
    ),
  );
}
