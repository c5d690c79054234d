import type pg from 'pg';
import type { Queryable } from '../database/database.js';
import { databaseTime } from '../database/database-time.js';
import { listPartitions, type Partition } from '../database/partitions.js';
import { forgetDays } from '../rollups/forget-days.js';
import { dropLeftovers, dropPartition } from './drop-partition.js';
import { raiseFloor, readExpiry, readProducts, type Expiry } from './expiry.js';
import { removeForgotten } from './forgotten-installations.js';
import { onceFree } from './month-lock.js';
import { removeOldRows } from './old-rows.js';
import {
  dropSuccessors,
  planRewrite,
  productsWithout,
  rewritePartition,
  type Rewrite,
} from './rewrite-partition.js';

const DAY_MS = 86_400_000;
/**
 * A receipt is for the batch that is delivered again because Redis was not told that it was stored. That
 * is known within seconds. Were an old state of Redis brought back, events would still be known as
 * copies for as long as this (see `DUPLICATE_WINDOW_MS`).
 */
const RECEIPT_DAYS = 62;

export interface RetentionOptions {
  /** How long the data of a product is kept that has no policy of its own. */
  retentionDays: number;
  /** How long the books and the rollups are kept. */
  rollupRetentionDays: number;
  signal: AbortSignal;
  /** In milliseconds since 1970: the present by the database's clock unless given. */
  now?: number;
  /** Only says what would be done to partitions. */
  isDryRun?: boolean;
  onPiece?: Rewrite['onPiece'];
  blocksAtOnce?: number;
}

export interface RetentionResult {
  /** Partitions that were dropped, and those that some products were taken out of. */
  dropped: string[];
  rewritten: string[];
  /** Rows of the tables that have no partitions, by table. */
  removed: Record<string, number>;
}

/**
 * Lets go of what has expired. Months of reports go as whole partitions, once they have expired for every
 * product in them; until then those that have expired are left out of a copy that takes their place. It
 * may be interrupted anywhere, and be run again.
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
    result.dropped.push(...(await dropLeftovers(client, partitions)));
    await raiseFloor(client, expiry, { products: [...products.keys()], signal });
  }
  for (const partition of partitions.filter(({ state }) => state === 'attached')) {
    signal.throwIfAborted();
    const { fate, expired } = judge(partition, expiry, { products: [...products.keys()], now });
    if (fate === 'kept') continue;
    const work = (until: AbortSignal) =>
      carryOut(client, partition, { fate, expired, products, options, signal: until });
    const month = { partition: partition.name, signal };
    const done = isDryRun
      ? await work(signal)
      : await onceFree(database, month, (lost) => work(AbortSignal.any([signal, lost])));
    if (done !== 'unchanged') result[done].push(partition.name);
  }
  if (!isDryRun) {
    const rollupEnd = new Date(now - options.rollupRetentionDays * DAY_MS);
    result.removed = {
      ...(await removeOldRows(client, { expiry, rollupEnd, signal })),
      ...(await forgetDays(client, { until: rollupEnd.toISOString().slice(0, 10), signal })),
      ...(await removeForgotten(client, { expiry, signal })),
    };
  }
  return result;
}

/** What is to become of a month, and which products have expired in it. */
function judge(
  partition: Partition,
  expiry: Expiry,
  { products, now }: { products: readonly string[]; now: number },
): { fate: 'kept' | 'dropped' | 'rewritten'; expired: string[] } {
  const { table, to } = partition;
  if (table === 'batch_receipt') {
    const isOver = to.getTime() <= now - RECEIPT_DAYS * DAY_MS;
    return { fate: isOver ? 'dropped' : 'kept', expired: [] };
  }
  const expired = products.filter((product) => to <= expiry.cutoffFor(product));
  if (expired.length === products.length) {
    const isOver = products.length > 0 || to <= expiry.defaultCutoff;
    return { fate: isOver ? 'dropped' : 'kept', expired };
  }
  const gone = productsWithout(partition);
  const isNew = expired.some((product) => !gone.has(product));
  return { fate: isNew ? 'rewritten' : 'kept', expired };
}

interface Sentence {
  fate: 'dropped' | 'rewritten';
  expired: readonly string[];
  products: ReadonlyMap<string, number[]>;
  options: RetentionOptions;
  signal: AbortSignal;
}

async function carryOut(
  client: pg.ClientBase,
  partition: Partition,
  { fate, expired, products, options, signal }: Sentence,
): Promise<'dropped' | 'rewritten' | 'unchanged'> {
  const { onPiece, blocksAtOnce, isDryRun = false } = options;
  if (fate === 'dropped') {
    if (!isDryRun) await dropPartition(client, partition);
    return 'dropped';
  }
  const origins = expired.flatMap((product) => products.get(product) ?? []);
  if (isDryRun) return planRewrite(client, partition, origins);
  return rewritePartition(client, partition, {
    ...{ origins, products: expired, signal, onPiece, blocksAtOnce },
  });
}
