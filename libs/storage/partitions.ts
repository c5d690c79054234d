import type pg from 'pg';

/**
 * The partitioned tables, with the column they are partitioned by and what only their partitions
 * have. A unique index on the whole table would have to contain the receive time, and so could not
 * know a retry: each partition has its own, and `findIncumbents` looks into all that matter.
 */
const TABLES = [
  { table: 'report', unique: '(installation_id, event_key)' },
  { table: 'resource_reading', unique: '(installation_id, event_key)' },
  { table: 'ui_reading', unique: '(installation_id, event_key)' },
  { table: 'batch_receipt', unique: null },
] as const;

const MONTHS_AHEAD = 2;
const PARTITION_LOCK = 7_204_110_386;

/**
 * Makes the monthly partitions for a time (in milliseconds since 1970) and the two months after it,
 * where they are missing. Writers go on meanwhile: a partition is attached when it is finished.
 */
export async function ensurePartitions(client: pg.ClientBase, time: number): Promise<string[]> {
  const date = new Date(time);
  const created: string[] = [];
  for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead += 1) {
    const from = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + ahead));
    for (const { table, unique } of TABLES) {
      const name = `${table}_${from.toISOString().slice(0, 7).replace('-', '_')}`;
      if (await exists(client, name)) continue;
      if (await createPartition(client, { table, unique, name, from })) created.push(name);
    }
  }
  return created;
}

async function createPartition(
  client: pg.ClientBase,
  partition: { table: string; unique: string | null; name: string; from: Date },
): Promise<boolean> {
  const { table, unique, name, from } = partition;
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1));
  const bounds = `FROM ('${from.toISOString()}') TO ('${to.toISOString()}')`;
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
    const isMissing = !(await exists(client, name));
    if (isMissing) {
      await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS)`);
      if (unique) await client.query(`CREATE UNIQUE INDEX ${name}_event_key ON ${name} ${unique}`);
      await client.query(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES ${bounds}`);
    }
    await client.query('COMMIT');
    return isMissing;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function exists(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    [name],
  );
  return rows[0]?.found === true;
}
