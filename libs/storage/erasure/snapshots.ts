import type pg from 'pg';
import { waitForWriters } from '../suppression.js';

/** Contents, in the order in which writers lock them; `set` is the column that names a shared set. */
const TABLES = [
  { table: 'unit_set', key: 'unit_set_id' },
  { table: 'health_snapshot', key: 'snapshot_id', set: 'unit_set_id' },
  { table: 'package_snapshot', key: 'snapshot_id' },
  { table: 'framework_snapshot', key: 'snapshot_id' },
  { table: 'ui_snapshot', key: 'snapshot_id' },
  { table: 'metric_set', key: 'metric_set_id' },
  { table: 'metric_snapshot', key: 'snapshot_id', set: 'metric_set_id' },
  { table: 'error_snapshot', key: 'snapshot_id' },
] as const;

/** The tables of whole contents. */
export const SNAPSHOT_TABLES = TABLES.filter(({ key }) => key === 'snapshot_id').map(
  ({ table }) => table,
);

const SETS = [
  { table: 'unit_set', key: 'unit_set_id', user: 'health_snapshot' },
  { table: 'metric_set', key: 'metric_set_id', user: 'metric_snapshot' },
] as const;

/**
 * Collects those of these snapshots that no report and no rollup points at any more, and the sets of names that they
 * alone had. Workers remember which snapshots are there, so they are told first to look again; then
 * what is about to go is locked, so that a worker which needs it waits, and finds it gone.
 * @returns how many rows went, by table
 */
export async function collectSnapshots(
  client: pg.ClientBase,
  snapshotIds: readonly string[],
): Promise<Record<string, number>> {
  if (snapshotIds.length === 0) return {};
  await client.query('UPDATE snapshot_epoch SET epoch = epoch + 1');
  await waitForWriters(client);
  await client.query('BEGIN');
  try {
    const sets = await lock(client, snapshotIds);
    const removed: Record<string, number> = {};
    for (const { table, key } of TABLES) {
      if (key !== 'snapshot_id') continue;
      removed[table] = await remove(
        client,
        `DELETE FROM ${table} s WHERE s.snapshot_id = ANY ($1::uuid[])
            AND NOT EXISTS (SELECT FROM report r WHERE r.snapshot_id = s.snapshot_id)
            AND NOT EXISTS (SELECT FROM rolled_up_snapshot r WHERE r.snapshot_id = s.snapshot_id)`,
        snapshotIds,
      );
    }
    for (const { table, key, user } of SETS) {
      removed[table] = await remove(
        client,
        `DELETE FROM ${table} t WHERE t.${key} = ANY ($1::uuid[])
            AND NOT EXISTS (SELECT FROM ${user} u WHERE u.${key} = t.${key})`,
        sets,
      );
    }
    await client.query('COMMIT');
    return Object.fromEntries(Object.entries(removed).filter(([, count]) => count > 0));
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Locks what may go, in the order of the writers. @returns the sets that the snapshots use */
async function lock(client: pg.ClientBase, snapshotIds: readonly string[]): Promise<string[]> {
  const sets = new Set<string>();
  for (const { table, ...rest } of TABLES) {
    if (!('set' in rest)) continue;
    const { rows } = await client.query<{ id: string }>(
      `SELECT DISTINCT ${rest.set} AS id FROM ${table} WHERE snapshot_id = ANY ($1::uuid[])`,
      [snapshotIds],
    );
    for (const { id } of rows) sets.add(id);
  }
  for (const { table, key } of TABLES) {
    await client.query(
      `SELECT FROM ${table} WHERE ${key} = ANY ($1::uuid[]) ORDER BY ${key} FOR UPDATE`,
      [key === 'snapshot_id' ? snapshotIds : [...sets]],
    );
  }
  return [...sets];
}

async function remove(client: pg.ClientBase, statement: string, ids: readonly string[]) {
  const { rowCount } = await client.query(statement, [ids]);
  return rowCount ?? 0;
}
