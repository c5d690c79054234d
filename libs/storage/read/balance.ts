import type { Database } from '../database/database.js';

/** The events of a product and hour: how many were accepted, and their fates. */
export interface BalancedHour {
  product: string;
  hour: string;
  accepted: number;
  /** Events by fate. */
  fates: Record<string, number>;
  /** Accepted minus all fates: 0 if every event has one. */
  difference: number;
  /** Events that ingest acknowledged, by its own count; null if it announced no count for the hour. */
  acknowledged: number | null;
  /** Of these, events that were in the queue at the latest comparison. */
  queued: number | null;
  /** Of these, events that are neither accepted nor queued. */
  lost: number | null;
}

export interface BalanceFilter {
  product?: string | undefined;
  /** RFC 3339, as is `to`, which is exclusive. */
  from?: string | undefined;
  to?: string | undefined;
  limit: number;
}

/** A row of the view. Its other columns are the counts by fate. */
interface BalanceRow extends Record<string, unknown> {
  product: string;
  hour: Date;
  accepted: string;
  unaccounted: string;
  acknowledged: string | null;
  queued: string | null;
  lost: string | null;
}

/** Reads whether every acknowledged event has a fate or is queued. */
export class BalanceReader {
  constructor(private readonly database: Database) {}

  /** Latest hours first. `unbalanced` counts all matching hours that are out of balance, beyond `limit` too. */
  async balance(filter: BalanceFilter): Promise<{ hours: BalancedHour[]; unbalanced: number }> {
    const { product = null, from = null, to = null, limit } = filter;
    const matching = `FROM fleet.ingest_balance
      WHERE ($1::text IS NULL OR product = $1)
        AND ($2::timestamptz IS NULL OR hour >= $2) AND ($3::timestamptz IS NULL OR hour < $3)`;
    const values = [product, from, to];
    const { rows } = await this.database.query<BalanceRow>(
      `SELECT * ${matching} ORDER BY hour DESC, product LIMIT $4`,
      [...values, limit],
    );
    const { rows: counted } = await this.database.query<{ unbalanced: number }>(
      `SELECT count(*)::int AS unbalanced ${matching} AND (unaccounted <> 0 OR lost > 0)`,
      values,
    );
    return { hours: rows.map(toHour), unbalanced: counted[0]?.unbalanced ?? 0 };
  }
}

function toHour(row: BalanceRow): BalancedHour {
  const { product, hour, accepted, unaccounted, acknowledged, queued, lost, ...fates } = row;
  const toNumber = (count: string | null) => (count === null ? null : Number(count));
  return {
    product,
    hour: hour.toISOString(),
    accepted: Number(accepted),
    fates: Object.fromEntries(Object.entries(fates).map(([fate, count]) => [fate, Number(count)])),
    difference: Number(unaccounted),
    acknowledged: toNumber(acknowledged),
    queued: toNumber(queued),
    lost: toNumber(lost),
  };
}
