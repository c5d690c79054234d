import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Does work in a transaction, and none of it where it throws. */
export async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined); // the error that led here says more
    throw error;
  }
}

/** The same on a connection of its own. */
export async function inOwnTransaction<T>(
  pool: pg.Pool,
  work: (tx: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    const result = await inTransaction(client, () => work(client));
    client.release();
    return result;
  } catch (error) {
    // What broke off in the middle of something is not used again; a refusal broke nothing.
    client.release(!(error instanceof pg.DatabaseError));
    throw error;
  }
}

/** Whoever comes after somebody that waits for a lock waits as long: writers may for a second. */
const LOCK_TIMEOUT_MS = 400;
/** A lock of an analyst's question is held for five minutes at most. */
const PATIENCE_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 15_000;
/** SQLSTATE: lock_not_available, deadlock_detected. */
const BUSY = new Set(['55P03', '40P01']);

/**
 * Does work in a transaction that needs strong locks: asks for each only for a moment, and begins again
 * after a longer pause each time, so that nobody waits behind it.
 */
export async function inQuietMoment<T>(
  client: pg.ClientBase,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
    try {
      return await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        return work();
      });
    } catch (error) {
      const isBusy = error instanceof pg.DatabaseError && BUSY.has(error.code ?? '');
      if (!isBusy || Date.now() > giveUpAt) throw error;
    }
    await sleep(pauseMs, undefined, { signal });
  }
}
