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

/** Whether a row found no partition: the month it belongs to has not been made. */
export function isMissingPartition(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    error.code === '23514' &&
    error.routine === 'ExecFindPartition'
  );
}
