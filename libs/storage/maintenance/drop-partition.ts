import type pg from 'pg';
import type { Partition } from '../database/partitions.js';

/** Written on a partition that is going to be dropped: another one may have been detached by hand. */
const EXPIRED = 'expired';

/**
 * Detaches a month from its table and drops it. No reader waits: it is detached when the last transaction that may
 * read it has ended.
 */
export async function dropPartition(client: pg.ClientBase, partition: Partition): Promise<void> {
  const { table, name } = partition;
  await client.query(`COMMENT ON TABLE ${name} IS '${EXPIRED}'`);
  await client.query(`ALTER TABLE ${table} DETACH PARTITION ${name} CONCURRENTLY`);
  await client.query(`DROP TABLE ${name}`);
}

/**
 * Ends what was interrupted: months that were leaving, and those that have left.
 * @returns the names of those that are gone
 */
export async function dropLeftovers(
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
