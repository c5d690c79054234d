import type pg from 'pg';
import { tablesOfInstallations } from '../database/installation-tables.js';
import { inTransaction } from '../database/transaction.js';
import type { Expiry } from './expiry.js';
import { blockRanges } from './expired-rows.js';

/**
 * Removes installations that were last seen before the cutoff and that no other table refers to. Each is locked
 * before the check, so a worker that has an event of the installation has either stored it already, or waits and
 * creates the installation again.
 * @returns the number of removed rows by table
 */
export async function removeExpiredInstallations(
  client: pg.ClientBase,
  { expiry, signal }: { expiry: Expiry; signal: AbortSignal },
): Promise<Record<string, number>> {
  const referencing = (await tablesOfInstallations(client)).filter(
    (name) => name !== 'installation',
  );
  const isUnreferenced = referencing.map(
    (name) => `NOT EXISTS (SELECT FROM ${name} o WHERE o.installation_id = i.installation_id)`,
  );
  let count = 0;
  for await (const range of blockRanges(client, 'installation', signal)) {
    count += await inTransaction(client, async () => {
      const expired = await lockExpired(client, range, expiry);
      if (expired.length === 0) return 0;
      const { rowCount } = await client.query(
        `DELETE FROM installation i USING unnest($1::uuid[], $2::text[]) AS s(id, product)
          WHERE i.installation_id = s.id AND i.product = s.product AND ${isUnreferenced.join(' AND ')}`,
        [expired.map(({ id }) => id), expired.map(({ product }) => product)],
      );
      return rowCount ?? 0;
    });
  }
  return count > 0 ? { installation: count } : {};
}

async function lockExpired(
  client: pg.ClientBase,
  range: [first: string, end: string],
  expiry: Expiry,
): Promise<{ id: string; product: string }[]> {
  const { rows } = await client.query<{ id: string; product: string }>(
    `SELECT installation_id AS id, product FROM installation i
      WHERE ctid >= $4::tid AND ctid < $5::tid
        AND last_seen_at < coalesce(
            (SELECT c.cutoff FROM unnest($1::text[], $2::timestamptz[]) AS c(product, cutoff)
              WHERE c.product = i.product), $3::timestamptz)
        FOR UPDATE SKIP LOCKED`,
    [...expiry.columns, ...range],
  );
  return rows;
}
