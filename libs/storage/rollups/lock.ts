import pg from 'pg';
import { holdMutex } from '../database/mutex.js';
import { inTransaction } from '../database/transaction.js';

/** Runs a statement on another connection than the one that does the work. */
export type SideQuery = (text: string, values: unknown[]) => Promise<unknown>;

/** SQLSTATEs `query_canceled`, also of a statement timeout, and `lock_not_available`. */
const INTERRUPTED = new Set(['57014', '55P03']);
/** The longest time that an erasure waits for the current statement of a refresh. */
const POLL_MS = 400;

/**
 * Takes the rollup lock until the end of the transaction, with priority: a refresh that holds it yields. For erasures
 * and other removals.
 */
export async function claimRollups(tx: pg.ClientBase): Promise<void> {
  await holdMutex(tx, 'rollups_wanted');
  await holdMutex(tx, 'rollups');
}

/** Runs a transaction that holds the rollup lock, which excludes refreshes and removals of installations' days. */
export async function withRollupLock<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, async () => {
    await holdMutex(client, 'rollups');
    return work();
  });
}

export interface YieldOptions {
  /** Without it the work is not interrupted. */
  sideQuery?: SideQuery | undefined;
  /** Statement timeout. */
  limitMs: number;
  /** Lock timeout; unlimited by default. */
  waitMs?: number | undefined;
}

/**
 * Like `withRollupLock`, for long work: erasures that wait for the lock go first, and one that arrives later cancels
 * the current statement.
 * @returns null if the work was cancelled or reached a timeout, and was rolled back
 */
export async function withYieldingLock<T>(
  client: pg.ClientBase,
  options: YieldOptions,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  const { sideQuery, limitMs, waitMs = 0 } = options;
  const setLockTimeout = `SET LOCAL lock_timeout = ${Math.ceil(waitMs)}`;
  try {
    await inTransaction(client, async () => {
      await client.query(setLockTimeout);
      await client.query(`SELECT FROM mutex WHERE name = 'rollups_wanted' FOR SHARE`);
    });
    const result = await inTransaction(client, async () => {
      await client.query(setLockTimeout);
      await holdMutex(client, 'rollups');
      await client.query(`SET LOCAL statement_timeout = ${Math.max(1, Math.ceil(limitMs))}`);
      return sideQuery ? cancelWhenWanted(client, sideQuery, work) : work();
    });
    return { result };
  } catch (error) {
    if (error instanceof pg.DatabaseError && INTERRUPTED.has(error.code ?? '')) return null;
    throw error;
  }
}

const CANCEL_IF_WANTED = `
  WITH free AS MATERIALIZED (
    SELECT FROM mutex WHERE name = 'rollups_wanted' FOR SHARE SKIP LOCKED)
  SELECT pg_cancel_backend($1) WHERE NOT EXISTS (SELECT FROM free)`;

/** Polls whether an erasure wants the lock, and cancels the work's statement then. */
async function cancelWhenWanted<T>(
  client: pg.ClientBase,
  sideQuery: SideQuery,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  let polling: Promise<unknown> = Promise.resolve();
  const poll = () => sideQuery(CANCEL_IF_WANTED, [rows[0]?.pid]);
  const timer = setInterval(() => {
    polling = polling.then(poll).catch(() => undefined); // if polling fails, the erasure waits for the statement
  }, POLL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await polling;
  }
}
