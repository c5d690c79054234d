import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Any constant of our own, beside the name of the partition. */
const MONTH_LOCK = 7206;
/**
 * Who waits for a lock in a statement is somebody whom `REINDEX CONCURRENTLY` waits for, and both would
 * wait for ever: so it is asked for again and again.
 */
const PAUSE_MS = 500;

/**
 * Does work on a month unless another session is remaking it. Where a process is killed, its session has
 * the month until the statement under way has ended.
 * @returns null where another session has it
 */
export async function ifFree<T extends object | string>(
  client: pg.ClientBase,
  partition: string,
  work: () => Promise<T>,
): Promise<T | null> {
  const { rows } = await client.query<{ is_mine: boolean }>(
    'SELECT pg_try_advisory_lock($1, hashtext($2)) AS is_mine',
    [MONTH_LOCK, partition],
  );
  if (!rows[0]?.is_mine) return null;
  try {
    return await work();
  } finally {
    await client.query('SELECT pg_advisory_unlock($1, hashtext($2))', [MONTH_LOCK, partition]);
  }
}

/** The same once no other session has the month any more. */
export async function onceFree<T extends object | string>(
  client: pg.ClientBase,
  { partition, signal }: { partition: string; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const done = await ifFree(client, partition, work);
    if (done !== null) return done;
    await sleep(PAUSE_MS, undefined, { signal });
  }
}
