import pg from 'pg';
import { Database, Rollups } from '#storage';

/** Rolls up a fleet that was written directly into the tables. */
export async function rollUp(databaseUrl: string): Promise<void> {
  const database = new Database({ databaseUrl, name: 'muster-rollups', connections: 2 });
  const rollups = new Rollups(database);
  try {
    await rollups.rebuild();
  } finally {
    await database.close();
  }
}

/** Refreshes yesterday with all its sums, as after a late report. */
export async function rollUpYesterday(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const yesterday = `(now() AT TIME ZONE 'UTC')::date - 1`;
    await client.query(`INSERT INTO rollup_change SELECT ${yesterday}`);
    await client.query(
      `INSERT INTO rollup_stale SELECT ${yesterday}, part FROM generate_series(1, 3) AS part`,
    );
  } finally {
    await client.end();
  }
  const database = new Database({ databaseUrl, name: 'muster-rollups', connections: 2 });
  const rollups = new Rollups(database);
  try {
    await rollups.refresh();
  } finally {
    await database.close();
  }
}
