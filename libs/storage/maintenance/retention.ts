import type pg from 'pg';
import type { Queryable } from '../database/queryable.js';
import { databaseTime } from '../database/database-time.js';
import { listPartitions, type Partition } from '../database/partitions.js';
import { removeExpiredDays } from '../rollups/expire-days.js';
import { finishDrops, dropPartition } from './drop-partition.js';
import { raiseRetentionFloor, readExpiry, readProducts, type Expiry } from './expiry.js';
import { removeExpiredInstallations } from './expired-installations.js';
import { withMonth } from './month-lock.js';
import { removeExpiredRows } from './expired-rows.js';
import {
  dropSuccessors,
  planRewrite,
  productsRemovedFrom,
  rewritePartition,
  type Rewrite,
} from './rewrite-partition.js';

const DAY_MS = 86_400_000;
/**
 * A receipt identifies a batch that is redelivered because the worker could not acknowledge it, which happens within
 * seconds. If an old state of Redis is restored, its events are recognised as duplicates anyway (see
 * `DUPLICATE_WINDOW_MS`).
 */
const RECEIPT_DAYS = 62;

export interface RetentionOptions {
  /** Default for products whose policy sets none. */
  retentionDays: number;
  /** For rollups and the balance. */
  rollupRetentionDays: number;
  signal: AbortSignal;
  /** In milliseconds since 1970; by default the database's time. */
  now?: number;
  /** Changes nothing; the result lists the partitions that would change. */
  isDryRun?: boolean;
  onPiece?: Rewrite['onPiece'];
  blocksAtOnce?: number;
}

export interface RetentionResult {
  dropped: string[];
  /** Partitions that some products were removed from. */
  rewritten: string[];
  /** Number of rows removed from unpartitioned tables, by table. */
  removed: Record<string, number>;
}

/**
 * Removes expired data. A month is dropped as a whole partition once it has expired for all products. If it has
 * expired for some of them, a copy without these replaces it. Can be interrupted at any point and run again.
 */
export async function applyRetention(
  client: pg.ClientBase,
  database: Queryable,
  options: RetentionOptions,
): Promise<RetentionResult> {
  const { signal, isDryRun = false, now = await databaseTime(client) } = options;
  const expiry = await readExpiry(client, { ...options, now });
  const products = await readProducts(client);
  const result: RetentionResult = { dropped: [], rewritten: [], removed: {} };
  const partitions = await listPartitions(client);
  if (!isDryRun) {
    await dropSuccessors(client, partitions, signal);
    result.dropped.push(...(await finishDrops(client, partitions)));
    await raiseRetentionFloor(client, expiry, { products: [...products.keys()], signal });
  }
  for (const partition of partitions.filter(({ state }) => state === 'attached')) {
    signal.throwIfAborted();
    const { outcome, expired } = planPartition(partition, expiry, {
      products: [...products.keys()],
      now,
    });
    if (outcome === 'kept') continue;
    const work = (until: AbortSignal) =>
      execute(client, partition, { outcome, expired, products, options, signal: until });
    const month = { partition: partition.name, signal };
    const done = isDryRun
      ? await work(signal)
      : await withMonth(database, month, (lost) => work(AbortSignal.any([signal, lost])));
    if (done !== 'unchanged') result[done].push(partition.name);
  }
  if (!isDryRun) result.removed = await removeExpired(client, expiry, { ...options, now });
  return result;
}

/** @returns the number of rows removed, by table */
async function removeExpired(
  client: pg.ClientBase,
  expiry: Expiry,
  { signal, rollupRetentionDays, now }: RetentionOptions & { now: number },
): Promise<Record<string, number>> {
  const rollupCutoff = new Date(now - rollupRetentionDays * DAY_MS);
  const cutoffDay = rollupCutoff.toISOString().slice(0, 10);
  return {
    ...(await removeExpiredRows(client, { expiry, rollupCutoff, signal })),
    ...(await removeExpiredDays(client, { cutoffDay, signal })),
    ...(await removeExpiredInstallations(client, { expiry, signal })),
  };
}

/** Decides what to do with a month, and which products have expired in it. */
function planPartition(
  partition: Partition,
  expiry: Expiry,
  { products, now }: { products: readonly string[]; now: number },
): { outcome: 'kept' | 'dropped' | 'rewritten'; expired: string[] } {
  const { table, to } = partition;
  if (table === 'batch_receipt') {
    const isExpired = to.getTime() <= now - RECEIPT_DAYS * DAY_MS;
    return { outcome: isExpired ? 'dropped' : 'kept', expired: [] };
  }
  const expired = products.filter((product) => to <= expiry.cutoffFor(product));
  if (expired.length === products.length) {
    const isExpired = products.length > 0 || to <= expiry.defaultCutoff;
    return { outcome: isExpired ? 'dropped' : 'kept', expired };
  }
  const removed = productsRemovedFrom(partition);
  const hasNew = expired.some((product) => !removed.has(product));
  return { outcome: hasNew ? 'rewritten' : 'kept', expired };
}

interface PartitionPlan {
  outcome: 'dropped' | 'rewritten';
  expired: readonly string[];
  products: ReadonlyMap<string, number[]>;
  options: RetentionOptions;
  signal: AbortSignal;
}

async function execute(
  client: pg.ClientBase,
  partition: Partition,
  { outcome, expired, products, options, signal }: PartitionPlan,
): Promise<'dropped' | 'rewritten' | 'unchanged'> {
  const { onPiece, blocksAtOnce, isDryRun = false } = options;
  if (outcome === 'dropped') {
    if (!isDryRun) await dropPartition(client, partition);
    return 'dropped';
  }
  const origins = expired.flatMap((product) => products.get(product) ?? []);
  if (isDryRun) return planRewrite(client, partition, origins);
  return rewritePartition(client, partition, {
    ...{ origins, products: expired, signal, onPiece, blocksAtOnce },
  });
}
