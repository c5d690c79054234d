import type pg from 'pg';
import type { NormalisedEvent } from '#telemetry';
import type { InstallationHasher } from '../database/installation-hash.js';
import type { NormalisedBatch } from './batch.js';

/** What a transaction that stores events begins with. */
export interface WriteStart {
  /** The installations whose events are not to be stored. */
  suppressed: ReadonlySet<string>;
  /** Raised whenever snapshots are collected. */
  epoch: string;
}

export interface BatchStart extends WriteStart {
  /** The batches that were not stored before. */
  fresh: readonly NormalisedBatch[];
}

interface StartRow {
  suppressed: Buffer[];
  epoch: string;
}

/** Comes first in a transaction that stores events. */
export const TAKE_NUMBER = 'SELECT pg_current_xact_id()';

const START = `
  ARRAY(SELECT s.installation_hash FROM unnest($1::bytea[]) AS h
          JOIN suppression s ON s.installation_hash = h) AS suppressed,
  (SELECT epoch FROM snapshot_epoch) AS epoch`;

/**
 * Begins batches in their transaction: records their receipts, and asks which of their installations are suppressed. The transaction has its number before it asks (`TAKE_NUMBER`), and holds a lock on what it has asked, so
 * a suppression can wait for all transactions that may not have seen it (see `waitForWriters`).
 *
 * Receipts are inserted in the order of their ids: two workers that hold the same batches, because one of them lost its
 * locks, wait for each other in one order.
 */
export async function beginBatches(
  tx: pg.ClientBase,
  batches: readonly NormalisedBatch[],
  hasher: InstallationHasher,
): Promise<BatchStart> {
  const events = batches.flatMap((batch) => batch.events);
  const installationIds = [...new Set(events.flatMap(installationIdsOf))];
  const hashes = installationIds.map((id) => hasher.hash(id));
  const { rows } = await tx.query<StartRow & { new_ids: string[] }>({
    name: 'begin-batches',
    text: `
      WITH receipt AS (
        INSERT INTO batch_receipt
        SELECT * FROM unnest($2::uuid[], $3::timestamptz[]) AS r(batch_id, gathered_at) ORDER BY 1
        ON CONFLICT DO NOTHING RETURNING batch_id)
      SELECT ARRAY(SELECT batch_id::text FROM receipt) AS new_ids, ${START}`,
    values: [
      hashes,
      batches.map(({ batchId }) => batchId),
      batches.map(({ gatheredAt }) => new Date(gatheredAt).toISOString()),
    ],
  });
  const newIds = new Set(rows[0]?.new_ids);
  const fresh = batches.filter(({ batchId }) => newIds.has(batchId));
  return { fresh, ...toStart(rows[0], installationIds, hashes) };
}

/** Begins a replay in its transaction: the same question, without a receipt. */
export async function beginReplay(
  tx: pg.ClientBase,
  events: readonly { installationId: string }[],
  hasher: InstallationHasher,
): Promise<WriteStart> {
  const installationIds = [...new Set(events.map(({ installationId }) => installationId))];
  const hashes = installationIds.map((id) => hasher.hash(id));
  const { rows } = await tx.query<StartRow>(`SELECT ${START}`, [hashes]);
  return toStart(rows[0], installationIds, hashes);
}

function toStart(
  row: StartRow | undefined,
  installationIds: readonly string[],
  hashes: readonly Buffer[],
): WriteStart {
  const { suppressed = [], epoch = '' } = row ?? {};
  const found = new Set(suppressed.map((hash) => hash.toString('hex')));
  const ids = installationIds.filter((_, at) => found.has(hashes[at]?.toString('hex') ?? ''));
  return { suppressed: new Set(ids), epoch };
}

/** The id of an event's installation, and those that it had in earlier releases. */
export function installationIdsOf(event: NormalisedEvent): readonly string[] {
  if (!('installationId' in event)) return [];
  return event.formerIds ? [event.installationId, ...event.formerIds] : [event.installationId];
}
