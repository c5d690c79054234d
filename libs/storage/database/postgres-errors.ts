import pg from 'pg';

/**
 * SQLSTATE classes with which Postgres says that it is the data: 21 cardinality, 22 data exception,
 * 23 integrity constraint, 44 check option, 54 a limit of the program.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const REFUSALS = /^(21|22|23|44|54)/;

/**
 * Whether the database refused what it was given, rather than being unable to work; or whether no
 * statement could be made of it at all, which waiting would not mend either.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof RangeError || error instanceof TypeError) return true;
  return error instanceof pg.DatabaseError && REFUSALS.test(error.code ?? '');
}

/** SQLSTATE class 22, data exception: a value of the statement is one that Postgres cannot hold. */
export function isBadValue(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code ?? '').startsWith('22');
}

/** SQLSTATE of a statement that ran, or waited for a lock, for longer than its limit, or that was cancelled. */
const TIMEOUTS = new Set(['57014', '55P03']);

/** Whether a statement exceeded its time limit. A smaller request, or a later one, may succeed. */
export function isTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && TIMEOUTS.has(error.code ?? '');
}

/** Whether a row found no partition: the month it belongs to has not been made. */
export function isMissingPartition(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23514' &&
    error.routine === 'ExecFindPartition'
  );
}

/**
 * What a CREATE raises that lost against another of the same name: duplicate table or object (a table's row
 * type is one), or a duplicate row of a system catalogue. `IF NOT EXISTS` prevents none of them.
 */
const CREATED_BY_ANOTHER = new Set(['42P07', '42710', '23505']);

/** Whether what a statement was to create was created by another one at the same moment. */
export function isCreatedByAnother(error: unknown): boolean {
  return error instanceof pg.DatabaseError && CREATED_BY_ANOTHER.has(error.code ?? '');
}

/** SQLSTATE classes and codes with which a connection ends; FATAL, which a server translates, is any other one. */
const CONNECTION_LOST = /^(08|57P0[1-4]|25P03)/;
/** What the system and the driver report of a connection that broke or could not be made. */
const SYSTEM_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
]);
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (has encountered a connection error|was closed)|Query read timeout|timeout expired)/;

/** Whether a statement failed because its connection is gone, or none could be made: waiting mends it. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (error instanceof pg.DatabaseError) {
    return error.severity === 'FATAL' || CONNECTION_LOST.test(error.code ?? '');
  }
  return (
    (typeof code === 'string' && SYSTEM_CODES.has(code)) || DRIVER_MESSAGES.test(error.message)
  );
}
