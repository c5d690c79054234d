import pg from 'pg';
import type { Queryable } from './queryable.js';

const { TIMESTAMPTZ } = pg.types.builtins;
const parseTime = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date;
const types = new pg.TypeOverrides();
types.setTypeParser(TIMESTAMPTZ, (text: string) => parseTime(text).toISOString());

/**
 * The select list of a record, also for RETURNING.
 * @param columns field → its column, or an expression
 */
export function selectList<T extends object>(columns: Record<keyof T, string>): string {
  return Object.entries<string>(columns)
    .map(([field, column]) => `${column} AS "${field}"`)
    .join(', ');
}

/** Runs a statement that returns records. Times (`timestamptz`) are RFC 3339, in UTC with milliseconds. */
export async function queryRecords<T extends pg.QueryResultRow>(
  database: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<T[]> {
  const { rows } = await database.query<T>({ text, values, types });
  return rows;
}
