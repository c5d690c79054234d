import type pg from 'pg';
import { CONTENT_TABLES, SET_TABLES, SNAPSHOT_TABLES } from './content-tables.js';
import { inTransaction } from './transaction.js';
import { waitForWriters } from './wait-for-writers.js';

/** A removed row: a snapshot, or a set of names that only this snapshot used. */
export interface Collected {
  table: string;
  snapshotId: string;
}

export interface CollectOptions {
  /** Called with the removed rows, or an empty list, in the transaction that removes them. */
  note?: (collected: readonly Collected[]) => Promise<void>;
  /** Does work in a transaction. */
  inStep?: (work: () => Promise<void>) => Promise<void>;
}

/**
 * Removes the snapshots that no report and no rollup refers to any more, and the sets of names that only they used.
 *
 * One scan of the reports, whatever the number of snapshots, finds those in use, without a lock. Workers may have
 * cached that the others exist, so a new epoch makes them look again. Then the candidates are locked, so that a
 * worker that needs one waits and inserts it again, and a second scan excludes those that were used meanwhile.
 * @returns the number of removed rows by table
 */
export async function collectSnapshots(
  client: pg.ClientBase,
  snapshotIds: readonly string[],
  { note = async () => undefined, inStep = alone(client) }: CollectOptions = {},
): Promise<Record<string, number>> {
  const candidates = await findUnused(client, snapshotIds);
  const collected: Collected[] = [];
  if (candidates.length === 0) {
    await inStep(() => note(collected));
    return {};
  }
  const sets = await findLastUses(client, candidates);
  await client.query('UPDATE snapshot_epoch SET epoch = epoch + 1');
  await waitForWriters(client);
  await inStep(async () => {
    await lock(client, candidates, [...sets.keys()]);
    collected.push(...(await remove(client, await findUnused(client, candidates), sets)));
    await note(collected);
  });
  const removed: Record<string, number> = {};
  for (const { table } of collected) removed[table] = (removed[table] ?? 0) + 1;
  return removed;
}

/** The snapshots that no visible report or rollup refers to. */
async function findUnused(client: pg.ClientBase, snapshotIds: readonly string[]) {
  if (snapshotIds.length === 0) return [];
  const { rows } = await client.query<{ id: string }>(
    `WITH used AS MATERIALIZED (
       SELECT snapshot_id FROM report
        WHERE snapshot_id IN (SELECT id FROM unnest($1::bigint[]) AS id)
        UNION
       SELECT snapshot_id FROM rolled_up_snapshot
        WHERE snapshot_id IN (SELECT id FROM unnest($1::bigint[]) AS id))
     SELECT id FROM unnest($1::bigint[]) AS id
     EXCEPT SELECT snapshot_id FROM used ORDER BY id`,
    [snapshotIds],
  );
  return rows.map(({ id }) => id);
}

/** The sets that only these snapshots use, each with one of them. */
async function findLastUses(client: pg.ClientBase, snapshotIds: readonly string[]) {
  const uses = new Map<string, string>();
  for (const { key, user } of SET_TABLES) {
    const { rows } = await client.query<{ id: string; snapshot_id: string }>(
      `WITH going AS MATERIALIZED (SELECT id FROM unnest($1::bigint[]) AS id)
       SELECT ${key} AS id, min(snapshot_id) AS snapshot_id FROM ${user}
        WHERE ${key} IN (SELECT ${key} FROM ${user} WHERE snapshot_id IN (SELECT id FROM going))
        GROUP BY 1 HAVING bool_and(snapshot_id IN (SELECT id FROM going))`,
      [snapshotIds],
    );
    for (const { id, snapshot_id } of rows) uses.set(id, snapshot_id);
  }
  return uses;
}

/** Locks what may be removed, in the writers' lock order. */
async function lock(client: pg.ClientBase, snapshotIds: readonly string[], sets: string[]) {
  for (const { table, key } of CONTENT_TABLES) {
    const [ids, type] = key === 'snapshot_id' ? [snapshotIds, 'bigint'] : [sets, 'uuid'];
    await client.query(
      `SELECT FROM ${table} WHERE ${key} = ANY ($1::${type}[]) ORDER BY ${key} FOR UPDATE`,
      [ids],
    );
  }
}

async function remove(
  client: pg.ClientBase,
  snapshotIds: readonly string[],
  sets: ReadonlyMap<string, string>,
): Promise<Collected[]> {
  const collected: Collected[] = [];
  for (const table of SNAPSHOT_TABLES) {
    const { rows } = await client.query<{ id: string }>(
      `DELETE FROM ${table} WHERE snapshot_id = ANY ($1::bigint[]) RETURNING snapshot_id AS id`,
      [snapshotIds],
    );
    for (const { id } of rows) collected.push({ table, snapshotId: id });
  }
  for (const { table, key, user } of SET_TABLES) {
    const { rows } = await client.query<{ id: string }>(
      `DELETE FROM ${table} t WHERE t.${key} = ANY ($1::uuid[])
          AND NOT EXISTS (SELECT FROM ${user} u WHERE u.${key} = t.${key}) RETURNING ${key} AS id`,
      [[...sets.keys()]],
    );
    for (const { id } of rows) collected.push({ table, snapshotId: sets.get(id) ?? '' });
  }
  return collected;
}

function alone(client: pg.ClientBase) {
  return (work: () => Promise<void>): Promise<void> => inTransaction(client, work);
}
