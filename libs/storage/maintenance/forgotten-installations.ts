import type pg from 'pg';
import { tablesOfInstallations } from '../database/installation-tables.js';
import { inTransaction } from '../database/transaction.js';
import type { Expiry } from './expiry.js';
import { pieces } from './old-rows.js';

/**
 * Removes installations that were last seen before the retention period and that no other table refers to. Each is
 * locked before it is checked: a worker with an event of the installation either has stored it, or waits and creates
 * the installation again.
 * @returns how many were removed
 */
export async function removeForgotten(
  client: pg.ClientBase,
  { expiry, signal }: { expiry: Expiry; signal: AbortSignal },
): Promise<Record<string, number>> {
  const others = (await tablesOfInstallations(client)).filter((name) => name !== 'installation');
  const isUnknown = others.map(
    (name) => `NOT EXISTS (SELECT FROM ${name} o WHERE o.installation_id = i.installation_id)`,
  );
  let count = 0;
  for await (const piece of pieces(client, 'installation', signal)) {
    count += await inTransaction(client, async () => {
      const silent = await lockSilent(client, piece, expiry);
      if (silent.length === 0) return 0;
      const { rowCount } = await client.query(
        `DELETE FROM installation i USING unnest($1::uuid[], $2::text[]) AS s(id, product)
          WHERE i.installation_id = s.id AND i.product = s.product AND ${isUnknown.join(' AND ')}`,
        [silent.map(({ id }) => id), silent.map(({ product }) => product)],
      );
      return rowCount ?? 0;
    });
  }
  return count > 0 ? { installation: count } : {};
}

async function lockSilent(
  client: pg.ClientBase,
  piece: [first: string, end: string],
  expiry: Expiry,
): Promise<{ id: string; product: string }[]> {
  const { rows } = await client.query<{ id: string; product: string }>(
    `SELECT installation_id AS id, product FROM installation i
      WHERE ctid >= $4::tid AND ctid < $5::tid
        AND last_seen_at < coalesce(
            (SELECT c.until FROM unnest($1::text[], $2::timestamptz[]) AS c(product, until)
              WHERE c.product = i.product), $3::timestamptz)
        FOR UPDATE SKIP LOCKED`,
    [...expiry.columns, ...piece],
  );
  return rows;
}
