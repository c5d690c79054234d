import pg from 'pg';
import { isConnectionLoss } from './postgres-errors.js';
import { WritersRemain } from './wait-for-writers.js';

/**
 * What an attempt failed on. `work`: the work itself, as another attempt would. `unclear`: perhaps the work.
 * `dependency`: an outage or another process; it says nothing about the work.
 */
export type FailureCause = 'work' | 'unclear' | 'dependency';

/** Something outside the database did not do its part. */
export class DependencyFailed extends Error {
  override readonly name = 'DependencyFailed';

  constructor(
    readonly code: 'queue_unavailable' | 'ledger_unavailable' | 'ledger_not_writable',
    options: ErrorOptions,
  ) {
    super(`The work waits: ${code}.`, options);
  }
}

/** Another worker has claimed the work. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';

  constructor() {
    super('Another worker has claimed the work.');
  }
}

/** The verification found rows. */
export class RowsRemain extends Error {
  override readonly name = 'RowsRemain';
}

/**
 * SQLSTATE classes that pass without a change of the work: 40 transaction rollback, 53 insufficient resources, 57
 * operator intervention, 58 system error.
 */
const PASSING = /^(40|53|57|58)/;
const LOCK_TIMEOUT = '55P03';

export function causeOf(error: unknown): FailureCause {
  if (isConnectionLoss(error)) return 'dependency';
  if (error instanceof pg.DatabaseError) {
    if (PASSING.test(error.code ?? '')) return 'dependency';
    return error.code === LOCK_TIMEOUT ? 'unclear' : 'work';
  }
  if ([DependencyFailed, ClaimLost, WritersRemain].some((type) => error instanceof type)) {
    return 'dependency';
  }
  const isOwn = [RowsRemain, TypeError, RangeError].some((type) => error instanceof type);
  return isOwn ? 'work' : 'unclear';
}

/** The code that an administrator sees. */
export function codeOf(error: unknown): string {
  if (error instanceof DependencyFailed) return error.code;
  if (error instanceof RowsRemain) return 'rows_remain';
  if (error instanceof WritersRemain) return 'writers_remain';
  return (error instanceof pg.DatabaseError ? error.code : undefined) ?? 'interrupted';
}
