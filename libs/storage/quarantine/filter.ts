/** Selects the quarantined events that meet all of these conditions. */
export interface QuarantineFilter {
  product?: string | undefined;
  event?: string | undefined;
  reason?: string | undefined;
  path?: string | undefined;
  /** Of the product; empty for events that name none. */
  version?: string | undefined;
  /** Received at this time or later, RFC 3339. */
  from?: string | undefined;
  /** Received before this time. */
  to?: string | undefined;
}

const CONDITIONS = {
  product: 'product = $',
  event: 'event = $',
  reason: 'reason = $',
  path: 'path = $',
  version: 'version = $',
  from: 'received_at >= $',
  to: 'received_at < $',
} satisfies Record<keyof QuarantineFilter, string>;

const FIELDS = Object.keys(CONDITIONS) as (keyof QuarantineFilter)[];

/** The condition of a filter, with its values added to those that a statement has already. */
export function conditionOf(filter: QuarantineFilter, values: unknown[]): string {
  const conditions = FIELDS.filter((field) => filter[field] !== undefined).map(
    (field) => CONDITIONS[field] + String(values.push(filter[field])),
  );
  return conditions.join(' AND ') || 'true';
}
