import type pg from 'pg';

/** What runs single statements: a database, or one of its connections. */
export interface Queryable {
  query<R extends pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<R>>;
}
