import { randomUUID } from 'node:crypto';
import type { Queryable } from './queryable.js';
import { keepRenewed } from './renewal.js';

/** Lifetime of a lease. A live holder renews it; that of a killed one ends by itself. */
const LIFETIME_S = 20;

/** The name survives bundling: it is the code of a maintenance run that failed. */
class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** `clock_timestamp()`: all times are those of the store. */
const UNTIL = `clock_timestamp() + interval '${LIFETIME_S} seconds'`;

/**
 * Does work while no other process does work under the same name. It lasts over any number of transactions
 * and connections, so it works behind a pooler, where a session's lock would stay with the server.
 * @param work is given a signal that aborts where the lease is lost
 * @returns null where another process has the lease
 */
export async function withLease<T>(
  database: Queryable,
  name: string,
  work: (lost: AbortSignal, claimedAt: Date) => Promise<T>,
): Promise<{ result: T } | null> {
  const holder = randomUUID();
  const claimedAt = await claim(database, name, holder);
  if (!claimedAt) return null;
  const renewal = keepRenewed(async () => {
    const { rowCount } = await database.query(
      `UPDATE lease SET expires_at = ${UNTIL} WHERE name = $1 AND holder = $2`,
      [name, holder],
    );
    return rowCount === 1;
  }, new LeaseLost('Another process may have taken the lease.'));
  try {
    return { result: await work(renewal.lost, claimedAt) };
  } finally {
    renewal.stop();
    const release = 'DELETE FROM lease WHERE name = $1 AND holder = $2';
    await database.query(release, [name, holder]).catch(() => undefined); // then it expires
  }
}

/** @returns the present by the store's clock; null where the lease is taken */
async function claim(database: Queryable, name: string, holder: string): Promise<Date | null> {
  const { rows } = await database.query<{ now: Date }>(
    `INSERT INTO lease AS l (name, holder, expires_at) VALUES ($1, $2, ${UNTIL})
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
      WHERE l.expires_at < clock_timestamp()
     RETURNING clock_timestamp() AS now`,
    [name, holder],
  );
  return rows[0]?.now ?? null;
}
