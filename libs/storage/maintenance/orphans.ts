import type pg from 'pg';
import { collectSnapshots } from '../database/collect-snapshots.js';
import { SNAPSHOT_TABLES } from '../database/content-tables.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import { inTransaction } from '../database/transaction.js';

/** Contents that are looked for with one pass over all reports: their ids take some tens of megabytes. */
const CONTENTS_AT_ONCE = 250_000;
/** Contents that are collected at once: a worker that needs one of them waits meanwhile. */
const COLLECTED_AT_ONCE = 20_000;

/**
 * Collects contents and origins that nothing points at any more, as when the last report of them was
 * dropped. Writers go on: who needs again what is just being collected waits, and finds it gone.
 * @returns how many rows went, by table
 */
export async function collectOrphans(
  client: pg.ClientBase,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  // Contents that an erasure will collect are in use until then, so neither waits for the other's locks.
  const users = await usersOf(client, 'snapshot_id', SNAPSHOT_TABLES);
  for (const table of SNAPSHOT_TABLES) {
    for await (const ids of orphansOf(client, table, users)) {
      for (let start = 0; start < ids.length; start += COLLECTED_AT_ONCE) {
        signal.throwIfAborted();
        const some = await collectSnapshots(client, ids.slice(start, start + COLLECTED_AT_ONCE));
        for (const [name, count] of Object.entries(some)) {
          removed[name] = (removed[name] ?? 0) + count;
        }
      }
      signal.throwIfAborted();
    }
  }
  const origins = await collectOrigins(client);
  return { ...removed, ...(origins > 0 && { origin: origins }) };
}

interface User {
  table: string;
  column: string;
}

/**
 * The columns that may name one: read from the database itself, so that none can be forgotten. What stands
 * in arrays, as in rollups, has a view that shows it in such a column.
 */
async function usersOf(
  client: pg.ClientBase,
  ending: 'snapshot_id' | 'origin_id',
  but: readonly string[],
): Promise<User[]> {
  const { rows } = await client.query<User>(
    `SELECT c.relname AS table, a.attname AS column
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
        AND NOT c.relispartition AND a.attnum > 0
        AND right(a.attname, length($1)) = $1 AND c.relname <> ALL ($2::text[])`,
    [ending, but],
  );
  return rows;
}

function isUnused(id: string, users: readonly User[]): string {
  return users
    .map(({ table, column }) => `NOT EXISTS (SELECT FROM ${table} u WHERE u.${column} = ${id})`)
    .join(' AND ');
}

/** The contents of a table that nothing refers to, in pieces in the order of their ids. */
async function* orphansOf(
  client: pg.ClientBase,
  table: string,
  users: readonly User[],
): AsyncGenerator<string[]> {
  for (let piece = await pieceAfter(client, table, null); piece;) {
    const { rows } = await client.query<{ id: string }>(
      `SELECT s.snapshot_id AS id FROM ${table} s
        WHERE s.snapshot_id BETWEEN $1 AND $2 AND ${isUnused('s.snapshot_id', users)}`,
      [piece.first, piece.last],
    );
    yield rows.map(({ id }) => id);
    piece = await pieceAfter(client, table, piece.last);
  }
}

/** The next contents of a table. Null where there are no more. */
async function pieceAfter(client: pg.ClientBase, table: string, after: string | null) {
  const { rows } = await client.query<{ first: string | null; last: string }>(
    `SELECT min(snapshot_id) AS first, max(snapshot_id) AS last
       FROM (SELECT snapshot_id FROM ${table} WHERE $1::bigint IS NULL OR snapshot_id > $1
              ORDER BY snapshot_id LIMIT ${CONTENTS_AT_ONCE}) AS piece`,
    [after],
  );
  return rows[0]?.first == null ? null : rows[0];
}

/**
 * Origins are collected as contents are: workers that remember them are told to look again, those that
 * may not have heard are waited for, and what may go is locked before it is looked for.
 */
async function collectOrigins(client: pg.ClientBase): Promise<number> {
  const users = await usersOf(client, 'origin_id', ['origin']);
  const { rows } = await client.query<{ id: number }>(
    `SELECT o.origin_id AS id FROM origin o WHERE ${isUnused('o.origin_id', users)}`,
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
          AND ${isUnused('o.origin_id', users)}`,
      [ids],
    );
    return rowCount ?? 0;
  });
}
