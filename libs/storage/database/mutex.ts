import type pg from 'pg';

/** The rows of the table `mutex`. */
export type Mutex =
  'erasure_requests' | 'month_rewrite' | 'partitions' | 'rollups' | 'rollups_wanted';

/**
 * Waits for a mutex and holds it until the transaction ends. It is the lock of a row: unlike an advisory
 * lock, no role that only reads can take it.
 */
export async function holdMutex(tx: pg.ClientBase, name: Mutex): Promise<void> {
  const { rowCount } = await tx.query('SELECT FROM mutex WHERE name = $1 FOR UPDATE', [name]);
  if (rowCount !== 1) throw new Error(`The mutex ${name} is missing from the database.`);
}
