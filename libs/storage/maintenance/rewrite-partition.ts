import type pg from 'pg';
import { boundsOf, type Partition } from '../database/partitions.js';
import { holdMutex } from '../database/mutex.js';
import { withLockRetry, inTransaction } from '../database/transaction.js';

/** Name suffix of the copy that will replace a partition. */
const SUCCESSOR = '_rewritten';
/**
 * About 20,000 reports. Transactions that delete from the month wait while they are copied: half a second even on a
 * busy CPU.
 */
const BLOCKS_AT_ONCE = 250;

export interface Rewrite {
  /** The products to remove, and their origins. */
  products: readonly string[];
  origins: readonly number[];
  signal: AbortSignal;
  /** Called after each block range is copied. */
  onPiece?: ((partition: string) => Promise<void> | void) | undefined;
  blocksAtOnce?: number | undefined;
}

/** The products that were removed from a partition; its comment lists them. */
export function productsRemovedFrom({ note }: Partition): Set<string> {
  return new Set(/^without (.+)$/.exec(note ?? '')?.[1]?.split(', '));
}

/**
 * Removes some products from a month: copies the rows of all others to a new table, which then replaces the partition
 * in one short transaction. Meanwhile a trigger applies all changes, such as those of an erasure, to both tables, so a
 * deleted row cannot come back. If no row is left, the month is dropped.
 */
export async function rewritePartition(
  client: pg.ClientBase,
  partition: Partition,
  rewrite: Rewrite,
): Promise<'rewritten' | 'dropped' | 'unchanged'> {
  const { name } = partition;
  const { origins, products, signal } = rewrite;
  const all = [...new Set([...productsRemovedFrom(partition), ...products])].sort();
  const note = `without ${all.join(', ')}`;
  if ((await planRewrite(client, partition, origins)) === 'unchanged') {
    await client.query(`COMMENT ON TABLE ${name} IS '${note}'`);
    return 'unchanged';
  }
  const oid = await withLockRetry(client, signal, () => prepare(client, partition, note));
  await copy(client, { name, oid }, rewrite);
  signal.throwIfAborted();
  await client.query(`ANALYZE ${name}${SUCCESSOR}`);
  return withLockRetry(client, signal, async () => {
    signal.throwIfAborted();
    return swap(client, partition, oid);
  });
}

/** Predicts the outcome of a rewrite. */
export async function planRewrite(
  client: pg.ClientBase,
  { name }: Partition,
  origins: readonly number[],
): Promise<'rewritten' | 'dropped' | 'unchanged'> {
  const { rows } = await client.query<{ has_some: boolean; has_others: boolean }>(
    `SELECT EXISTS (SELECT FROM ${name} WHERE origin_id = ANY ($1::integer[])) AS has_some,
            EXISTS (SELECT FROM ${name} WHERE origin_id <> ALL ($1::integer[])) AS has_others`,
    [origins],
  );
  if (!rows[0]?.has_some) return 'unchanged';
  return rows[0].has_others ? 'rewritten' : 'dropped';
}

/** Removes the tables and triggers of interrupted rewrites. */
export async function dropSuccessors(
  client: pg.ClientBase,
  partitions: readonly Partition[],
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await client.query<{ successor: string }>(
    `SELECT relname AS successor FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND right(relname, $1) = $2`,
    [SUCCESSOR.length, SUCCESSOR],
  );
  for (const { successor } of rows) {
    const partition = partitions.find(({ name }) => `${name}${SUCCESSOR}` === successor);
    if (!partition) continue;
    await withLockRetry(client, signal, async () => {
      await client.query(`DROP TRIGGER IF EXISTS follow_rewrite ON ${partition.name}`);
      await client.query(`DROP TABLE ${successor}`);
    });
  }
}

/** This process has lost its lease on the month, and another one has replaced the successor table. */
class RewriteLost extends Error {
  override readonly name = 'RewriteLost';
}

/**
 * Locks the successor and checks that this process created it: a process that takes over the month uses the same
 * name. @throws RewriteLost
 */
async function lockSuccessor(
  client: pg.ClientBase,
  { name, oid }: { name: string; oid: string },
  mode: 'ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE',
): Promise<void> {
  const successor = `${name}${SUCCESSOR}`;
  const found = 'SELECT to_regclass($1)::oid::text AS oid';
  const isOwn = async () =>
    (await client.query<{ oid: string | null }>(found, [successor])).rows[0]?.oid === oid;
  if (await isOwn()) {
    await client.query(`LOCK TABLE ${successor} IN ${mode} MODE`);
    if (await isOwn()) return;
  }
  throw new RewriteLost('Another process has taken over the rewrite of the month.');
}

/** Creates the successor and the trigger that keeps it in sync. @returns the successor's oid */
async function prepare(client: pg.ClientBase, partition: Partition, note: string): Promise<string> {
  const { name } = partition;
  const successor = `${name}${SUCCESSOR}`;
  const [from, to] = boundsOf(partition);
  // The check constraint lets Postgres attach the table without scanning it.
  await client.query(`
    CREATE TABLE ${successor} (LIKE ${name} INCLUDING DEFAULTS,
      CONSTRAINT ${successor}_bounds CHECK (received_at >= ${from} AND received_at < ${to}));
    CREATE UNIQUE INDEX ${successor}_event_key ON ${successor} (installation_id, event_key);
    CREATE INDEX ${successor}_observed_at_idx ON ${successor} USING brin (observed_at)
      WITH (pages_per_range = 32, autosummarize = on);
    COMMENT ON TABLE ${successor} IS '${note}';
    CREATE TRIGGER follow_rewrite AFTER INSERT OR UPDATE OR DELETE ON ${name}
      FOR EACH ROW EXECUTE FUNCTION follow_rewrite('${successor}')`);
  const { rows } = await client.query<{ oid: string }>('SELECT $1::regclass::oid::text AS oid', [
    successor,
  ]);
  return rows[0]?.oid ?? '';
}

async function copy(
  client: pg.ClientBase,
  { name, oid }: { name: string; oid: string },
  rewrite: Rewrite,
): Promise<void> {
  const { origins, signal, onPiece, blocksAtOnce = BLOCKS_AT_ONCE } = rewrite;
  const { rows } = await client.query<{ blocks: number }>(
    `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::int)::int AS blocks`,
    [name],
  );
  const { blocks = 0 } = rows[0] ?? {};
  for (let block = 0; block < blocks; block += blocksAtOnce) {
    signal.throwIfAborted();
    await inTransaction(client, async () => {
      await holdMutex(client, 'month_rewrite');
      await lockSuccessor(client, { name, oid }, 'ROW EXCLUSIVE');
      await client.query(
        `INSERT INTO ${name}${SUCCESSOR} SELECT * FROM ${name}
          WHERE ctid >= $1::tid AND ctid < $2::tid AND origin_id <> ALL ($3::integer[])
         ON CONFLICT DO NOTHING`,
        [`(${block},0)`, `(${block + blocksAtOnce},0)`, origins],
      );
    });
    await onPiece?.(name);
  }
}

/** Replaces the partition by its successor. Readers and writers are blocked for milliseconds. */
async function swap(
  client: pg.ClientBase,
  partition: Partition,
  oid: string,
): Promise<'rewritten' | 'dropped'> {
  const { table, name } = partition;
  const successor = `${name}${SUCCESSOR}`;
  const [from, to] = boundsOf(partition);
  await client.query(`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`);
  await lockSuccessor(client, { name, oid }, 'ACCESS EXCLUSIVE');
  const { rowCount } = await client.query(`SELECT FROM ${successor} LIMIT 1`);
  await client.query(`ALTER TABLE ${table} DETACH PARTITION ${name}; DROP TABLE ${name}`);
  if (!rowCount) {
    await client.query(`DROP TABLE ${successor}`);
    return 'dropped';
  }
  await client.query(`
    ALTER TABLE ${successor} RENAME TO ${name};
    ALTER INDEX ${successor}_event_key RENAME TO ${name}_event_key;
    ALTER INDEX ${successor}_observed_at_idx RENAME TO ${name}_observed_at_idx;
    ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to});
    ALTER TABLE ${name} DROP CONSTRAINT ${successor}_bounds`);
  return 'rewritten';
}
