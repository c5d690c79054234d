import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/queryable.js';
import { withLease } from '../database/lease.js';

/** The lease is polled, because `REINDEX CONCURRENTLY` waits for every statement that waits for a lock: a deadlock. */
const POLL_MS = 500;

/**
 * Works on a month under its lease. The lease of a killed process expires; a statement of that process that still
 * runs keeps its own locks.
 * @param work gets a signal that aborts if the lease is lost
 * @returns null if another process holds the month
 */
export async function tryWithMonth<T extends object | string>(
  database: Queryable,
  partition: string,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const done = await withLease(database, `month ${partition}`, work);
  return done?.result ?? null;
}

/** Like `tryWithMonth`, but waits until no other process holds the month. */
export async function withMonth<T extends object | string>(
  database: Queryable,
  { partition, signal }: { partition: string; signal: AbortSignal },
  work: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  for (;;) {
    const done = await tryWithMonth(database, partition, work);
    if (done !== null) return done;
    await sleep(POLL_MS, undefined, { signal });
  }
}
