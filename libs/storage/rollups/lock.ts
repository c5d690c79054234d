import pg from 'pg';
import { holdMutex } from '../database/mutex.js';
import { inTransaction } from '../database/transaction.js';

/** Runs a statement on a connection other than the one that works. */
export type Ask = (text: string, values: unknown[]) => Promise<unknown>;

/** SQLSTATE of a statement that was cancelled or took longer than it may, and of a lock that took longer. */
const INTERRUPTED = new Set(['57014', '55P03']);
/** An erasure waits for a statement under way for no longer than this. */
const LOOK_MS = 400;

/**
 * Keeps out, to the end of the transaction, refreshes and all others that remove days of installations. For
 * erasures: a refresh that holds the lock sees that it is wanted, and yields.
 */
export async function claimRollups(tx: pg.ClientBase): Promise<void> {
  await holdMutex(tx, 'rollups_wanted');
  await holdMutex(tx, 'rollups');
}

/** Does work in a transaction that keeps out refreshes and all others that remove days of installations. */
export async function locked<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  return inTransaction(client, async () => {
    await holdMutex(client, 'rollups');
    return work();
  });
}

export interface YieldOptions {
  /** Runs statements on another connection; without it the work is not interrupted. */
  ask?: Ask | undefined;
  /** How long a statement may take, in milliseconds. */
  limitMs: number;
  /** How long to wait for the lock; without it, as long as another refresh holds it. */
  waitMs?: number | undefined;
}

/**
 * The same for work that may take long: it begins after the erasures that want the lock, and where one
 * comes meanwhile, the statement under way is cancelled.
 * @returns null where the work was cancelled, took longer than it may, or had to wait for longer: then nothing is done
 */
export async function yielding<T>(
  client: pg.ClientBase,
  options: YieldOptions,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  const { ask, limitMs, waitMs = 0 } = options;
  const patience = `SET LOCAL lock_timeout = ${Math.ceil(waitMs)}`;
  try {
    await inTransaction(client, async () => {
      await client.query(patience);
      await client.query(`SELECT FROM mutex WHERE name = 'rollups_wanted' FOR SHARE`);
    });
    const result = await inTransaction(client, async () => {
      await client.query(patience);
      await holdMutex(client, 'rollups');
      await client.query(`SET LOCAL statement_timeout = ${Math.max(1, Math.ceil(limitMs))}`);
      return ask ? cancelWhereWanted(client, ask, work) : work();
    });
    return { result };
  } catch (error) {
    if (error instanceof pg.DatabaseError && INTERRUPTED.has(error.code ?? '')) return null;
    throw error;
  }
}

const CANCEL_WHERE_WANTED = `
  WITH free AS MATERIALIZED (
    SELECT FROM mutex WHERE name = 'rollups_wanted' FOR SHARE SKIP LOCKED)
  SELECT pg_cancel_backend($1) WHERE NOT EXISTS (SELECT FROM free)`;

/** Looks again and again, until the work has ended, whether an erasure wants the lock. */
async function cancelWhereWanted<T>(
  client: pg.ClientBase,
  ask: Ask,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  let looking: Promise<unknown> = Promise.resolve();
  const look = () => ask(CANCEL_WHERE_WANTED, [rows[0]?.pid]);
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => undefined); // then the erasure waits for the statement
  }, LOOK_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await looking;
  }
}
