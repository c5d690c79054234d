import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { limitOf, sessionOf } from './session.js';
import { pooledSettings, statementsOf, type SessionSettings } from './session-settings.js';

/** Which connections: those for batches of events, which look everything up by key, or the others. */
export type Path = 'general' | 'write';

export interface TransactionOptions {
  path?: Path;
  isolation?: 'REPEATABLE READ';
  isReadOnly?: boolean;
  /** Hold for the transaction, and cost no round trip. */
  settings?: SessionSettings;
  /** A statement that comes first, in the round trip of BEGIN. */
  first?: string;
}

/** Does work in a transaction on a connection, and none of it where it throws. */
export async function inTransaction<T>(
  client: pg.ClientBase,
  work: () => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const transaction = await begin(client, options);
  try {
    const result = await work();
    await transaction.commit();
    return result;
  } catch (error) {
    await transaction.rollBack();
    throw error;
  }
}

/** Yields what is read in a transaction; a reader that stops early ends it. */
export async function* readInTransaction<T>(
  client: pg.ClientBase,
  read: () => AsyncIterable<T>,
  options: TransactionOptions = {},
): AsyncGenerator<T> {
  const transaction = await begin(client, options);
  let isComplete = false;
  try {
    yield* read();
    isComplete = true;
    await transaction.commit();
  } finally {
    if (!isComplete) await transaction.rollBack();
  }
}

async function begin(client: pg.ClientBase, options: TransactionOptions) {
  const session = sessionOf(client);
  const usualLimitMs = session?.limitMs ?? Infinity;
  const end = () => {
    if (session) session.limitMs = usualLimitMs;
  };
  const rollBack = async () => {
    end();
    // A broken connection has ended its transaction; the first error says more than a second one.
    if (!session?.isBroken) await client.query('ROLLBACK').catch(() => undefined);
  };
  const commit = async () => {
    const { command } = await client.query('COMMIT');
    // So Postgres answers where a statement failed and its error was lost.
    if (command === 'ROLLBACK') throw new Error('A failed transaction cannot be committed.');
    end();
  };
  if (session) session.limitMs = limitOf(options.settings) ?? usualLimitMs;
  try {
    await client.query(beginOf(client, options));
  } catch (error) {
    await rollBack();
    throw error;
  }
  return { commit, rollBack };
}

function beginOf(client: pg.ClientBase, options: TransactionOptions): string {
  const { isolation, isReadOnly = false, first } = options;
  const session = sessionOf(client);
  const settings = {
    ...(session?.isPooled ? pooledSettings(session.settings) : {}),
    ...options.settings,
  };
  const modes = [isolation && `ISOLATION LEVEL ${isolation}`, isReadOnly && 'READ ONLY'];
  const begin = ['BEGIN', ...modes.filter(Boolean)].join(' ');
  return `${begin}; ${statementsOf('SET LOCAL', settings)} ${first ?? ''}`;
}

/** Others queue behind a transaction that waits for a lock: writers may for a second. */
const LOCK_TIMEOUT_MS = 400;
/** An analyst's question holds its locks for five minutes at most. */
const PATIENCE_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 15_000;
/** SQLSTATE: lock_not_available, deadlock_detected. */
const BUSY = new Set(['55P03', '40P01']);

/**
 * Does work in a transaction that needs strong locks: waits for each only briefly, and begins again
 * after a longer pause each time, so that others do not queue behind it.
 */
export async function withLockRetry<T>(
  client: pg.ClientBase,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
    try {
      return await inTransaction(client, work, { settings: { lock_timeout: LOCK_TIMEOUT_MS } });
    } catch (error) {
      const isBusy = error instanceof pg.DatabaseError && BUSY.has(error.code ?? '');
      if (!isBusy || performance.now() > giveUpAt) throw error;
    }
    await sleep(pauseMs, undefined, { signal });
  }
}
