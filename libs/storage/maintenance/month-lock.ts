import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/database.js';
import { withLease } from '../database/lease.js';

/**
 * A statement that waits for a lock is one that `REINDEX CONCURRENTLY` waits for, and both would wait for
 * ever: so the lease is asked for again and again.
 */
const PAUSE_MS = 500;

/**
 * Does work on a month unless another process rewrites it. The month of a killed process is free once its lease
 * has expired; a statement of it that is still under way keeps its own locks.
 * @param work gets a signal that aborts if the lease is lost
 * @returns null if another process has the month
 */
export async function ifFree<T extends object | string>(
  database: Queryable,
  partition: string,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const done = await withLease(database, `month ${partition}`, work);
  return done?.result ?? null;
}

/** The same, once no other process has the month. */
export async function onceFree<T extends object | string>(
  database: Queryable,
  { partition, signal }: { partition: string; signal: AbortSignal },
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  for (;;) {
    const done = await ifFree(database, partition, work);
    if (done !== null) return done;
    await sleep(PAUSE_MS, undefined, { signal });
  }
}
