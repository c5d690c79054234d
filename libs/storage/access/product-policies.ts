import type { EventLimits } from '#telemetry';
import type { Actor } from '../database/audit-log.js';
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

interface Row {
  product: string;
  key_events_per_minute: number | null;
  installation_events_per_minute: number | null;
  self_erasure: boolean | null;
  retention_days: number | null;
}

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
    const { rows } = await this.changes.database.query<Row>(
      `SELECT known.product, p.key_events_per_minute, p.installation_events_per_minute,
              p.self_erasure, p.retention_days
         FROM (SELECT unnest($1::text[]) AS product UNION ${KNOWN}) AS known
         LEFT JOIN product_policy p USING (product)
        ORDER BY known.product`,
      [declared],
    );
    return rows.map(toDecision);
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
      const { rows: known } = await tx.query<Row>(
        'SELECT * FROM product_policy WHERE product = $1',
        [product],
      );
      const before = toDecision(known[0] ?? nothingDecided(product));
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

function nothingDecided(product: string): Row {
  return {
    product,
    key_events_per_minute: null,
    installation_events_per_minute: null,
    self_erasure: null,
    retention_days: null,
  };
}

function toDecision(row: Row): ProductDecision {
  return {
    product: row.product,
    limits: {
      eventsPerMinutePerKey: row.key_events_per_minute,
      eventsPerMinutePerInstallation: row.installation_events_per_minute,
    },
    selfErasure: row.self_erasure ?? false,
    retentionDays: row.retention_days,
  };
}
