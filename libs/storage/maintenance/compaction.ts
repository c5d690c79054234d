import pg from 'pg';
import type { Queryable } from '../database/database.js';
import { databaseTime } from '../database/database-time.js';
import { listPartitions } from '../database/partitions.js';
import { ifFree } from './month-lock.js';

const DAY_MS = 86_400_000;
/** A month is over for so long before it is packed: what was in the queue at its end is stored by then. */
const DAYS_AFTER = 2;
/** Of an entry in the index: its key, its header, and its place in the page. */
const ENTRY_BYTES = 16 + 8 + 8 + 4;
const PAGE_BYTES = 8192;
/** A page has a header of 24 bytes, and 16 for its neighbours. */
const ROOM_IN_PAGE_BYTES = PAGE_BYTES - 24 - 16;
/** A packed index takes 1.01 of what its entries need, one that is built as Postgres does by itself 1.12. */
const LOOSE = 1.1;
const SMALL_BYTES = 1_048_576;
/** SQLSTATE class: the disk is full, or there is no memory. */
const NO_ROOM = '53';

export interface CompactionOptions {
  signal: AbortSignal;
  /** In milliseconds since 1970: the present by the database's clock unless given. */
  now?: number;
}

export interface CompactionResult {
  /** The indexes that were rebuilt. */
  rebuilt: string[];
  savedBytes: number;
}

/**
 * Packs the indexes of months that are over: keys come in random order, which leaves a third of each page
 * free, and so do erasures. Readers and writers go on. It may be interrupted anywhere, and be run again.
 */
export async function packIndexes(
  client: pg.ClientBase,
  database: Queryable,
  { signal, now: given }: CompactionOptions,
): Promise<CompactionResult> {
  const now = given ?? (await databaseTime(client));
  const result: CompactionResult = { rebuilt: [], savedBytes: 0 };
  for (const { name, to, state } of await listPartitions(client)) {
    signal.throwIfAborted();
    if (state !== 'attached' || to.getTime() > now - DAYS_AFTER * DAY_MS) continue;
    const index = `${name}_event_key`;
    // Retention, if it has the month, leaves it to the next run.
    const done = await ifFree(database, name, (lost) =>
      packIndex(client, { name, index }, AbortSignal.any([signal, lost])),
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

async function packIndex(client: pg.ClientBase, { name, index }: Names, signal: AbortSignal) {
  await dropLeftovers(client, name, signal);
  const before = await measure(client, index);
  if (!before || !isLoose(before)) return { isRebuilt: false, savedBytes: 0 };
  await client.query(`ALTER INDEX ${index} SET (fillfactor = 100)`);
  signal.throwIfAborted();
  try {
    await client.query(`REINDEX INDEX CONCURRENTLY ${index}`);
  } catch (error) {
    // What it has taken of a full disk is given back at once.
    const isFull = error instanceof pg.DatabaseError && error.code?.startsWith(NO_ROOM);
    if (isFull) await dropLeftovers(client, name, signal);
    throw error;
  }
  const after = await measure(client, index);
  return { isRebuilt: true, savedBytes: before.bytes - (after?.bytes ?? 0) };
}

interface Size {
  bytes: number;
  /** As counted when the index was built, or estimated since; 0 if it is not known yet. */
  entries: number;
}

/**
 * Whether an index has more pages than its entries need. An index with an unknown number of entries counts as
 * such: once it is rebuilt, the number is known.
 */
function isLoose({ bytes, entries }: Size): boolean {
  const needed = (entries * ENTRY_BYTES * PAGE_BYTES) / ROOM_IN_PAGE_BYTES;
  return bytes > SMALL_BYTES && bytes > needed * LOOSE;
}

async function measure(client: pg.ClientBase, index: string): Promise<Size | null> {
  const { rows } = await client.query<Size>(
    `SELECT pg_relation_size(oid)::float8 AS bytes, greatest(reltuples, 0)::float8 AS entries
       FROM pg_class WHERE oid = to_regclass($1)`,
    [index],
  );
  return rows[0] ?? null;
}

/** Removes the unfinished or replaced index that an interrupted `REINDEX CONCURRENTLY` leaves behind. */
async function dropLeftovers(client: pg.ClientBase, name: string, signal: AbortSignal) {
  const { rows } = await client.query<{ leftover: string }>(
    `SELECT c.relname AS leftover FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
      WHERE x.indrelid = to_regclass($1) AND NOT x.indisvalid AND c.relname ~ '_cc(new|old)\\d*$'`,
    [name],
  );
  for (const { leftover } of rows) {
    signal.throwIfAborted();
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${leftover}`);
  }
}
