import type pg from 'pg';
import type { Partition } from '../database/partitions.js';

/** Comment on a partition that is being dropped; distinguishes it from one that an operator has detached. */
const EXPIRED = 'expired';

/**
 * Detaches a month from its table and drops it. Readers are not blocked: the detach waits until the last transaction
 * that may read it has ended.
 */
export async function dropPartition(client: pg.ClientBase, partition: Partition): Promise<void> {
  const { table, name } = partition;
  await client.query(`COMMENT ON TABLE ${name} IS '${EXPIRED}'`);
  await client.query(`ALTER TABLE ${table} DETACH PARTITION ${name} CONCURRENTLY`);
  await client.query(`DROP TABLE ${name}`);
}

/**
 * Drops months whose detach or drop was interrupted.
 * @returns their names
 */
export async function finishDrops(
  client: pg.ClientBase,
  partitions: readonly Partition[],
): Promise<string[]> {
  const dropped: string[] = [];
  for (const { table, name, state, note } of partitions) {
    if (state === 'attached' || note !== EXPIRED) continue;
    if (state === 'leaving') {
      await client.query(`ALTER TABLE ${table} DETACH PARTITION ${name} FINALIZE`);
    }
    await client.query(`DROP TABLE ${name}`);
    dropped.push(name);
  }
  return dropped;
}
