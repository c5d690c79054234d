import pg from 'pg';
import { isConnectionLoss } from '../database/postgres-errors.js';
import { WritersRemain } from '../database/wait-for-writers.js';
import { LedgerNotWritable } from '../ledger/ledger-file.js';

/**
 * What an attempt failed on. `erasure`: the erasure itself, as another attempt would. `unclear`: perhaps the
 * erasure. `dependency`: an outage or another process; it says nothing about the erasure.
 */
export type FailureCause = 'erasure' | 'unclear' | 'dependency';

/** The queue or the ledger did not do its part. */
export class DependencyFailed extends Error {
  override readonly name = 'DependencyFailed';

  constructor(
    readonly code: 'queue_unavailable' | 'ledger_unavailable' | 'ledger_not_writable',
    options: ErrorOptions,
  ) {
    super(`Erasures wait: ${code}.`, options);
  }
}

/** Another worker has claimed the erasures. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';

  constructor() {
    super('Another worker has taken the erasures.');
  }
}

/** The verification found rows. */
export class RowsRemain extends Error {
  override readonly name = 'RowsRemain';
}

/**
 * SQLSTATE classes that pass without a change of the erasure: 40 transaction rollback, 53 insufficient resources, 57
 * operator intervention, 58 system error.
 */
const PASSING = /^(40|53|57|58)/;
const LOCK_TIMEOUT = '55P03';

export function causeOf(error: unknown): FailureCause {
  if (isConnectionLoss(error)) return 'dependency';
  if (error instanceof pg.DatabaseError) {
    if (PASSING.test(error.code ?? '')) return 'dependency';
    return error.code === LOCK_TIMEOUT ? 'unclear' : 'erasure';
  }
  if ([DependencyFailed, ClaimLost, WritersRemain].some((type) => error instanceof type)) {
    return 'dependency';
  }
  const isOwn = [RowsRemain, TypeError, RangeError].some((type) => error instanceof type);
  return isOwn ? 'erasure' : 'unclear';
}

/** The code that an administrator sees. */
export function codeOf(error: unknown): string {
  if (error instanceof DependencyFailed) return error.code;
  if (error instanceof RowsRemain) return 'rows_remain';
  if (error instanceof WritersRemain) return 'writers_remain';
  return (error instanceof pg.DatabaseError ? error.code : undefined) ?? 'interrupted';
}

/** Waits for a part of an erasure that is done outside the database. @throws DependencyFailed */
export async function outside<T>(dependency: 'queue' | 'ledger', work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof LedgerNotWritable)
      throw new DependencyFailed('ledger_not_writable', { cause });
    throw new DependencyFailed(`${dependency}_unavailable`, { cause });
  }
}
