import pg from 'pg';
import type { Queryable } from '../database/queryable.js';
import { databaseTime } from '../database/database-time.js';
import { listPartitions } from '../database/partitions.js';
import { tryWithMonth } from './month-lock.js';

const DAY_MS = 86_400_000;
/** How long after its end a month is compacted: events that were queued at its end are stored by then. */
const SETTLE_DAYS = 2;
/** Size of an index entry: key (uuid and bigint), tuple header and line pointer. */
const ENTRY_BYTES = 16 + 8 + 8 + 4;
const PAGE_BYTES = 8192;
/** Excludes the page header (24 bytes) and the B-tree's links to neighbours (16). */
const USABLE_PAGE_BYTES = PAGE_BYTES - 24 - 16;
/** Ratio of actual to needed size. A compacted index has 1.01; one with Postgres' default fill factor has 1.12. */
const BLOAT_RATIO = 1.1;
const SMALL_BYTES = 1_048_576;
/** SQLSTATE class 53, insufficient resources: the disk is full, or memory is exhausted. */
const INSUFFICIENT_RESOURCES = '53';

export interface CompactionOptions {
  signal: AbortSignal;
  /** In milliseconds since 1970; by default the database's time. */
  now?: number;
}

export interface CompactionResult {
  /** The indexes that were rebuilt. */
  rebuilt: string[];
  savedBytes: number;
}

/**
 * Compacts the indexes of past months. Keys arrive in random order, which leaves a third of each page free; erasures
 * leave further gaps. Blocks no reader or writer. Can be interrupted at any point and run again.
 */
export async function compactIndexes(
  client: pg.ClientBase,
  database: Queryable,
  { signal, now: given }: CompactionOptions,
): Promise<CompactionResult> {
  const now = given ?? (await databaseTime(client));
  const result: CompactionResult = { rebuilt: [], savedBytes: 0 };
  for (const { name, to, state } of await listPartitions(client)) {
    signal.throwIfAborted();
    if (state !== 'attached' || to.getTime() > now - SETTLE_DAYS * DAY_MS) continue;
    const index = `${name}_event_key`;
    // If retention is rewriting the month, the next run compacts it.
    const done = await tryWithMonth(database, name, (lost) =>
      compactIndex(client, { name, index }, AbortSignal.any([signal, lost])),
    );
    if (!done?.isRebuilt) continue;
    result.rebuilt.push(index);
    result.savedBytes += done.savedBytes;
  }
  return result;
}

interface Names {
  /** Of the partition. */
  name: string;
  index: string;
}

async function compactIndex(client: pg.ClientBase, { name, index }: Names, signal: AbortSignal) {
  await dropInvalidIndexes(client, name, signal);
  const before = await measure(client, index);
  if (!before || !isBloated(before)) return { isRebuilt: false, savedBytes: 0 };
  await client.query(`ALTER INDEX ${index} SET (fillfactor = 100)`);
  signal.throwIfAborted();
  try {
    await client.query(`REINDEX INDEX CONCURRENTLY ${index}`);
  } catch (error) {
    // Release the disk space at once.
    const isOutOfResources =
      error instanceof pg.DatabaseError && error.code?.startsWith(INSUFFICIENT_RESOURCES);
    if (isOutOfResources) await dropInvalidIndexes(client, name, signal);
    throw error;
  }
  const after = await measure(client, index);
  return { isRebuilt: true, savedBytes: before.bytes - (after?.bytes ?? 0) };
}

interface Size {
  bytes: number;
  /** The planner's estimate; 0 if unknown. */
  entries: number;
}

/** Whether an index is larger than its entries need. An unknown number of entries counts as 0; a rebuild counts them. */
function isBloated({ bytes, entries }: Size): boolean {
  const needed = (entries * ENTRY_BYTES * PAGE_BYTES) / USABLE_PAGE_BYTES;
  return bytes > SMALL_BYTES && bytes > needed * BLOAT_RATIO;
}

async function measure(client: pg.ClientBase, index: string): Promise<Size | null> {
  const { rows } = await client.query<Size>(
    `SELECT pg_relation_size(oid)::float8 AS bytes, greatest(reltuples, 0)::float8 AS entries
       FROM pg_class WHERE oid = to_regclass($1)`,
    [index],
  );
  return rows[0] ?? null;
}

/** Drops the invalid indexes that an interrupted `REINDEX CONCURRENTLY` leaves behind. */
async function dropInvalidIndexes(client: pg.ClientBase, name: string, signal: AbortSignal) {
  const { rows } = await client.query<{ index: string }>(
    `SELECT c.relname AS index FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
      WHERE x.indrelid = to_regclass($1) AND NOT x.indisvalid AND c.relname ~ '_cc(new|old)\\d*$'`,
    [name],
  );
  for (const { index } of rows) {
    signal.throwIfAborted();
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`);
  }
}
