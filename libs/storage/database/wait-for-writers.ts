import type pg from 'pg';

const POLL_MS = 20;
/** More than a transaction that stores events can take: its statements and its pauses are limited. */
const WRITERS_LIMIT_MS = 120_000;

/**
 * Transactions that have read the suppressions and may write according to them. Each holds a lock on the table until
 * it ends. It takes the lock before it reads, so a transaction that does not hold it yet will see everything committed
 * by now. A dump holds it too, but has no transaction id, because it writes nothing.
 */
const WRITERS = `
  SELECT virtualtransaction AS id FROM pg_locks
   WHERE pid <> pg_backend_pid() AND granted
   GROUP BY 1
  HAVING bool_or(relation = 'suppression'::regclass AND mode = 'AccessShareLock'
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
     AND bool_or(locktype = 'transactionid' AND mode = 'ExclusiveLock')`;

/** The limit was reached. */
export class WritersRemain extends Error {
  override readonly name = 'WritersRemain';
}

/**
 * Waits until every transaction has ended that stores events and was under way when this was called.
 * From then on, every writer has seen what had been committed before. It waits for no other transaction,
 * however long that takes.
 * @throws WritersRemain after the limit: two minutes unless given
 */
export async function waitForWriters(
  client: pg.ClientBase,
  limitMs = WRITERS_LIMIT_MS,
): Promise<void> {
  const ask = async () => (await client.query<{ id: string }>(WRITERS)).rows.map(({ id }) => id);
  const giveUpAt = performance.now() + limitMs;
  const waitedFor = new Set(await ask());
  while (waitedFor.size > 0) {
    if (performance.now() > giveUpAt) {
      throw new WritersRemain(`Transactions that store events do not end: ${waitedFor.size}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const now = new Set(await ask());
    for (const id of waitedFor) if (!now.has(id)) waitedFor.delete(id);
  }
}
