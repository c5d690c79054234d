import type pg from 'pg';
import type { UnderstoodEvent } from '#telemetry';

const MAX_REMEMBERED = 50_000;

/**
 * The numbers of products' versions. They are given in statements of their own, before a batch's
 * transaction: so no batch waits for another's, and what is remembered was committed.
 */
export class Releases {
  readonly #ids = new Map<string, number>();

  /** Makes sure that `idOf` knows the releases of these events. */
  async learn(pool: pg.Pool, events: readonly UnderstoodEvent[]): Promise<void> {
    const unknown = new Map<string, [string, string]>();
    for (const { product, version } of events) {
      const key = releaseKey(product, version);
      if (!this.#ids.has(key)) unknown.set(key, [product, version ?? '']);
    }
    if (unknown.size === 0) return;
    if (this.#ids.size > MAX_REMEMBERED) this.#ids.clear();
    const releases = [...unknown.values()].sort();
    const parameters = [releases.map(([product]) => product), releases.map(([, v]) => v)];
    await pool.query(
      `INSERT INTO release (product, version) SELECT * FROM unnest($1::text[], $2::text[])
       ON CONFLICT DO NOTHING`,
      parameters,
    );
    const { rows } = await pool.query<{ release_id: number; product: string; version: string }>(
      `SELECT release_id, product, version
         FROM release JOIN unnest($1::text[], $2::text[]) AS u(product, version)
        USING (product, version)`,
      parameters,
    );
    for (const row of rows) this.#ids.set(releaseKey(row.product, row.version), row.release_id);
  }

  idOf({ product, version }: UnderstoodEvent): number {
    const id = this.#ids.get(releaseKey(product, version));
    if (id === undefined) throw new Error('A release was not learnt before its batch was stored.');
    return id;
  }
}

function releaseKey(product: string, version: string | null): string {
  return `${product} ${version ?? ''}`;
}
