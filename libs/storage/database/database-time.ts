import type { Queryable } from './queryable.js';

/** The time by the database's clock, in milliseconds since 1970. A machine's own clock may be wrong. */
export async function databaseTime(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (!rows[0]) throw new Error('The database did not return its time.');
  return rows[0].now.getTime();
}
