import type pg from 'pg';
import { databaseTime } from './database-time.js';
import { inTransaction } from './transaction.js';
import { holdMutex } from './mutex.js';

/**
 * The partitioned tables, with the column they are partitioned by and what only their partitions
 * have. A unique index on the whole table would have to contain the receive time, and so could not
 * know a retry: each partition has its own, and `findIncumbents` looks into all that matter.
 */
const TABLES: readonly { table: string; unique: string | null }[] = [
  { table: 'report', unique: '(installation_id, event_key)' },
  { table: 'resource_reading', unique: '(installation_id, event_key)' },
  { table: 'ui_reading', unique: '(installation_id, event_key)' },
  { table: 'batch_receipt', unique: null },
];

/** One month of a partitioned table. */
export interface Partition {
  table: string;
  name: string;
  from: Date;
  /** The first moment that is not in it any more. */
  to: Date;
  /** A month that is leaving its table is no longer visible in the table. */
  state: 'attached' | 'leaving' | 'detached';
  /** What retention has written on it. */
  note: string | null;
}

const MONTHS_AHEAD = 2;

/**
 * Makes the monthly partitions for a time (in milliseconds since 1970) and the two months after it,
 * where they are missing. Writers go on meanwhile: a partition is attached when it is finished.
 * @param time the present by the database's clock unless given
 */
export async function ensurePartitions(client: pg.ClientBase, time?: number): Promise<string[]> {
  const date = new Date(time ?? (await databaseTime(client)));
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

/** All months of the partitioned tables that there are, the oldest first. */
export async function listPartitions(client: pg.ClientBase): Promise<Partition[]> {
  const { rows } = await client.query<Pick<Partition, 'name' | 'note' | 'state'>>(
    `SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS note,
            CASE WHEN i.inhrelid IS NULL THEN 'detached'
                 WHEN i.inhdetachpending THEN 'leaving' ELSE 'attached' END AS state
       FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND c.relname ~ '^[a-z_]+_\\d{4}_\\d{2}$'`,
  );
  const partitions = rows.flatMap(({ name, ...rest }): Partition[] => {
    const [, table = '', year, month] = /^(.+)_(\d{4})_(\d{2})$/.exec(name) ?? [];
    if (!TABLES.some((known) => known.table === table)) return [];
    const [from, to] = [-1, 0].map(
      (shift) => new Date(Date.UTC(Number(year), Number(month) + shift)),
    );
    return from && to ? [{ table, name, from, to, ...rest }] : [];
  });
  return partitions.sort((a, b) => a.from.getTime() - b.from.getTime());
}

/** The bounds of a month, as SQL has them; what is in it is at or after the first. */
export function boundsOf({ from, to }: { from: Date; to: Date }): [from: string, to: string] {
  return [`'${from.toISOString()}'`, `'${to.toISOString()}'`];
}

async function createPartition(
  client: pg.ClientBase,
  partition: { table: string; unique: string | null; name: string; from: Date },
): Promise<boolean> {
  const { table, unique, name, from } = partition;
  const to = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1));
  const [first, end] = boundsOf({ from, to });
  return inTransaction(client, async () => {
    await holdMutex(client, 'partitions');
    const isMissing = !(await exists(client, name));
    if (isMissing) {
      await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS)`);
      if (unique) await client.query(`CREATE UNIQUE INDEX ${name}_event_key ON ${name} ${unique}`);
      await client.query(
        `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${first}) TO (${end})`,
      );
    }
    return isMissing;
  });
}

async function exists(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS found',
    [name],
  );
  return rows[0]?.found === true;
}
