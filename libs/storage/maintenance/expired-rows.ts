import type pg from 'pg';
import type { Expiry } from './expiry.js';

/** Tens of thousands of rows, which take a few hundred milliseconds. */
const BLOCKS_PER_RANGE = 500;

/** SQL for the cutoff of a product; `$1` to `$3` are `Expiry.columns`. */
function cutoffOf(product: string): string {
  return `coalesce((SELECT c.cutoff FROM unnest($1::text[], $2::timestamptz[]) AS c(product, cutoff)
                    WHERE c.product = ${product}), $3::timestamptz)`;
}

/**
 * The unpartitioned tables, aliased `t`, and which of their rows have expired. `$4` is the cutoff of rollups and
 * balance, `$5` the latest cutoff. Originals come after the defects that they are kept for.
 */
const TABLES = [
  {
    table: 'defect',
    isExpired: `t.received_at < ${cutoffOf('(SELECT o.product FROM origin o WHERE o.origin_id = t.origin_id)')}`,
  },
  {
    table: 'original_event',
    isExpired: `t.received_at < $5
      AND NOT EXISTS (SELECT FROM defect d WHERE d.installation_id = t.installation_id
                         AND d.event_key = t.event_key AND d.received_at = t.received_at)
      AND NOT EXISTS (SELECT FROM quarantined_event q WHERE q.installation_id = t.installation_id
                         AND q.event_key = t.event_key AND q.received_at = t.received_at)`,
  },
  {
    // The last expired consent event stays: it determines whether telemetry was on at the cutoff.
    table: 'consent_event',
    isExpired: `t.received_at < ${cutoffOf('t.product')}
      AND EXISTS (SELECT FROM consent_event l
                   WHERE l.installation_id = t.installation_id AND l.product = t.product
                     AND l.received_at < ${cutoffOf('t.product')}
                     AND (l.observed_at, l.event_key) > (t.observed_at, t.event_key))`,
  },
  { table: 'unidentified_event', isExpired: `t.hour < ${cutoffOf('t.product')}` },
  { table: 'ingest_tally', isExpired: 't.hour < $4' },
  { table: 'ingest_expected', isExpired: 't.hour < $4' },
  { table: 'ingest_refusal', isExpired: 't.hour < $4' },
] as const;

/**
 * Removes expired rows from the unpartitioned tables, one block range per statement.
 * @returns the number of removed rows by table
 */
export async function removeExpiredRows(
  client: pg.ClientBase,
  { expiry, rollupCutoff, signal }: { expiry: Expiry; rollupCutoff: Date; signal: AbortSignal },
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  const times = [...expiry.columns, rollupCutoff.toISOString(), expiry.latestCutoff.toISOString()];
  for (const { table, isExpired } of TABLES) {
    let count = 0;
    for await (const [first, end] of blockRanges(client, table, signal)) {
      // `given` gives every parameter a type, including those that the condition does not use.
      const { rowCount } = await client.query(
        `WITH given AS (SELECT $1::text[], $2::timestamptz[], $3::timestamptz, $4::timestamptz, $5::timestamptz)
         DELETE FROM ${table} t WHERE t.ctid >= $6::tid AND t.ctid < $7::tid AND ${isExpired}`,
        [...times, first, end],
      );
      count += rowCount ?? 0;
    }
    if (count > 0) removed[table] = count;
  }
  return removed;
}

/** Splits a table into block ranges, each as the first possible ctid and the one after the last. */
export async function* blockRanges(
  client: pg.ClientBase,
  table: string,
  signal: AbortSignal,
): AsyncGenerator<[first: string, end: string]> {
  const { rows } = await client.query<{ blocks: number }>(
    `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::int)::int AS blocks`,
    [table],
  );
  for (let block = 0; block < (rows[0]?.blocks ?? 0); block += BLOCKS_PER_RANGE) {
    signal.throwIfAborted();
    yield [`(${block},0)`, `(${block + BLOCKS_PER_RANGE},0)`];
  }
}
