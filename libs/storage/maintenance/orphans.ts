import type pg from 'pg';
import { collectSnapshots, SNAPSHOT_TABLES } from '../database/collect-snapshots.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import { inTransaction } from '../database/transaction.js';

/** Snapshots that one pass over all reports checks. Their ids take tens of megabytes. */
const SNAPSHOTS_PER_PASS = 250_000;
/** Snapshots removed per transaction. A worker that needs one of them waits for its end. */
const SNAPSHOTS_PER_BATCH = 20_000;

/**
 * Removes snapshots and origins that nothing references any more, for example because their last report was dropped.
 * Writers continue; one that needs a row that is being removed waits, and creates it again.
 * @returns the number of removed rows by table
 */
export async function collectOrphans(
  client: pg.ClientBase,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  // `erasure_snapshot` counts as a reference, so neither this nor an erasure waits for the other's locks.
  const references = await referencesTo(client, 'snapshot_id', SNAPSHOT_TABLES);
  for (const table of SNAPSHOT_TABLES) {
    for await (const ids of orphansOf(client, table, references)) {
      for (let start = 0; start < ids.length; start += SNAPSHOTS_PER_BATCH) {
        signal.throwIfAborted();
        const counts = await collectSnapshots(
          client,
          ids.slice(start, start + SNAPSHOTS_PER_BATCH),
        );
        for (const [name, count] of Object.entries(counts)) {
          removed[name] = (removed[name] ?? 0) + count;
        }
      }
      signal.throwIfAborted();
    }
  }
  const origins = await collectOrigins(client);
  return { ...removed, ...(origins > 0 && { origin: origins }) };
}

interface Reference {
  table: string;
  column: string;
}

/**
 * The columns that may reference a row, read from the catalog so that none can be forgotten. Views expose the ids
 * that are inside arrays, as in rollups.
 */
async function referencesTo(
  client: pg.ClientBase,
  suffix: 'snapshot_id' | 'origin_id',
  ignored: readonly string[],
): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `SELECT c.relname AS table, a.attname AS column
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
        AND NOT c.relispartition AND a.attnum > 0
        AND right(a.attname, length($1)) = $1 AND c.relname <> ALL ($2::text[])`,
    [suffix, ignored],
  );
  return rows;
}

function isUnreferenced(id: string, references: readonly Reference[]): string {
  return references
    .map(({ table, column }) => `NOT EXISTS (SELECT FROM ${table} u WHERE u.${column} = ${id})`)
    .join(' AND ');
}

/** The unreferenced snapshots of a table, one id range at a time. */
async function* orphansOf(
  client: pg.ClientBase,
  table: string,
  references: readonly Reference[],
): AsyncGenerator<string[]> {
  for (let range = await rangeAfter(client, table, null); range;) {
    const { rows } = await client.query<{ id: string }>(
      `SELECT s.snapshot_id AS id FROM ${table} s
        WHERE s.snapshot_id BETWEEN $1 AND $2 AND ${isUnreferenced('s.snapshot_id', references)}`,
      [range.first, range.last],
    );
    yield rows.map(({ id }) => id);
    range = await rangeAfter(client, table, range.last);
  }
}

/** The next id range of a table; null at its end. */
async function rangeAfter(client: pg.ClientBase, table: string, after: string | null) {
  const { rows } = await client.query<{ first: string | null; last: string }>(
    `SELECT min(snapshot_id) AS first, max(snapshot_id) AS last
       FROM (SELECT snapshot_id FROM ${table} WHERE $1::bigint IS NULL OR snapshot_id > $1
              ORDER BY snapshot_id LIMIT ${SNAPSHOTS_PER_PASS}) AS ids`,
    [after],
  );
  return rows[0]?.first == null ? null : rows[0];
}

/**
 * Origins are removed like snapshots: the new epoch invalidates workers' caches, transactions that may still use the
 * old one are waited for, and rows are locked before they are checked.
 */
async function collectOrigins(client: pg.ClientBase): Promise<number> {
  const references = await referencesTo(client, 'origin_id', ['origin']);
  const { rows } = await client.query<{ id: number }>(
    `SELECT o.origin_id AS id FROM origin o WHERE ${isUnreferenced('o.origin_id', references)}`,
  );
  if (rows.length === 0) return 0;
  const ids = rows.map(({ id }) => id);
  await client.query('UPDATE snapshot_epoch SET epoch = epoch + 1');
  await waitForWriters(client);
  return inTransaction(client, async () => {
    await client.query(
      `SELECT FROM origin WHERE origin_id = ANY ($1::integer[]) ORDER BY origin_id FOR UPDATE`,
      [ids],
    );
    const { rowCount } = await client.query(
      `DELETE FROM origin o WHERE o.origin_id = ANY ($1::integer[])
          AND ${isUnreferenced('o.origin_id', references)}`,
      [ids],
    );
    return rowCount ?? 0;
  });
}
