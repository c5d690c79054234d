import type { EventLimits } from '#telemetry';
import type { Actor } from '../database/audit-log.js';
import type { Queryable } from '../database/queryable.js';
import { queryRecords, selectList } from '../database/records.js';
import type { PolicyChanges } from './changes.js';

/** What holds for a product, as administrators see it. */
export interface ProductDecision {
  product: string;
  limits: EventLimits;
  /** Whether an installation may ask for its own erasure. */
  selfErasure: boolean;
  /** How long its reports are kept; null for as long as those of all. */
  retentionDays: number | null;
}

/** What is to be changed; the rest stays as it is. */
export interface ProductChange {
  limits?: Partial<EventLimits>;
  selfErasure?: boolean;
  retentionDays?: number | null;
}

const DECISION = selectList<ProductDecision>({
  product: 'known.product',
  limits: `json_build_object('eventsPerMinutePerKey', key_events_per_minute,
             'eventsPerMinutePerInstallation', installation_events_per_minute)`,
  selfErasure: 'coalesce(self_erasure, false)',
  retentionDays: 'retention_days',
});

/** Products that have sent something, each looked up in the index: the books are long. */
const SENDING = `
  WITH RECURSIVE sending (product) AS (
    (SELECT min(product) FROM ingest_tally)
    UNION ALL
    SELECT (SELECT min(t.product) FROM ingest_tally t WHERE t.product > s.product)
      FROM sending s WHERE s.product IS NOT NULL)
  SELECT product FROM sending WHERE product IS NOT NULL`;

const KNOWN = `SELECT product FROM ingest_key UNION SELECT product FROM product_policy UNION (${SENDING})`;

/** What administrators decide of whole products. */
export class ProductPolicies {
  constructor(private readonly changes: PolicyChanges) {}

  /** Of the given products, and of all others that have a key, a decision or events. */
  async list(declared: readonly string[]): Promise<ProductDecision[]> {
    const known = `SELECT unnest($1::text[]) AS product UNION ${KNOWN}`;
    return readDecisions(this.changes.database, known, [declared]);
  }

  /**
   * @param mayRemove whether the actor may do what removes stored data
   * @returns the decision; null where it would remove data and the actor may not: nothing is changed then
   */
  async change(
    product: string,
    change: ProductChange,
    { actor, mayRemove }: { actor: Actor; mayRemove: boolean },
  ): Promise<ProductDecision | null> {
    return this.changes.make<ProductDecision | null>(actor, async (tx) => {
      const known = 'SELECT $1::text AS product';
      const [before] = (await readDecisions(tx, known, [product])) as [ProductDecision];
      if (!mayRemove && removesData(before, change)) return { result: null, act: null };
      const after = {
        ...{ ...before, ...change, product },
        limits: { ...before.limits, ...change.limits },
      };
      await tx.query(
        `INSERT INTO product_policy VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (product) DO UPDATE
            SET key_events_per_minute = excluded.key_events_per_minute,
                installation_events_per_minute = excluded.installation_events_per_minute,
                self_erasure = excluded.self_erasure, retention_days = excluded.retention_days`,
        [
          product,
          after.limits.eventsPerMinutePerKey,
          after.limits.eventsPerMinutePerInstallation,
          after.selfErasure,
          after.retentionDays,
        ],
      );
      return { result: after, act: { act: 'product.change', detail: { product, ...change } } };
    });
  }
}

/**
 * Whether a change lets data be removed: self-erasure, and a shorter retention. Without a number of its
 * own, a product has the default retention, which may be longer or shorter than any number.
 */
function removesData(before: ProductDecision, { selfErasure, retentionDays }: ProductChange) {
  if (selfErasure === true && !before.selfErasure) return true;
  if (retentionDays === undefined || retentionDays === before.retentionDays) return false;
  return (
    retentionDays === null || before.retentionDays === null || retentionDays < before.retentionDays
  );
}

/** What holds for each product that a query selects, by product. Without a decision, the defaults hold. */
async function readDecisions(
  database: Queryable,
  products: string,
  values: unknown[],
): Promise<ProductDecision[]> {
  return queryRecords(
    database,
    `SELECT ${DECISION} FROM (${products}) AS known LEFT JOIN product_policy USING (product)
      ORDER BY known.product`,
    values,
  );
}
