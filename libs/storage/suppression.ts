import { createHmac } from 'node:crypto';
import type pg from 'pg';

const MAX_REMEMBERED = 200_000;

/**
 * Knows installations by a keyed hash, HMAC-SHA-256: what is suppressed must be known for ever, and its
 * id must not. With another key, nobody that was suppressed is known any more.
 */
export class InstallationHasher {
  readonly #key: string;
  readonly #hashes = new Map<string, Buffer>();

  constructor(key: string) {
    this.#key = key;
  }

  hash(installationId: string): Buffer {
    const known = this.#hashes.get(installationId);
    if (known) return known;
    const hash = createHmac('sha256', this.#key).update(`suppression\0${installationId}`).digest();
    if (this.#hashes.size >= MAX_REMEMBERED) this.#hashes.clear();
    this.#hashes.set(installationId, hash);
    return hash;
  }
}

/** What a transaction that stores a batch begins with. */
export interface BatchStart {
  /** False where the batch was stored before. */
  isNew: boolean;
  /** The installations of the batch whose events are not to be stored. */
  suppressed: ReadonlySet<string>;
  /** Raised whenever snapshots are collected. */
  epoch: string;
}

/**
 * Begins the transaction of a batch: records its receipt, and asks which of its installations are
 * suppressed. The transaction has its number before it asks, so whoever suppresses an installation can
 * wait for all that may not have seen it (see `waitForWriters`).
 */
export async function beginBatch(
  tx: pg.ClientBase,
  batch: { batchId: string; gatheredAt: number },
  installationIds: readonly string[],
  hasher: InstallationHasher,
): Promise<BatchStart> {
  await tx.query('BEGIN; SELECT pg_current_xact_id()');
  const hashes = installationIds.map((id) => hasher.hash(id));
  const { rows } = await tx.query<{ is_new: boolean; suppressed: Buffer[]; epoch: string }>({
    name: 'begin-batch',
    text: `
      WITH receipt AS (
        INSERT INTO batch_receipt VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1)
      SELECT EXISTS (SELECT FROM receipt) AS is_new,
             ARRAY(SELECT s.installation_hash FROM unnest($3::bytea[]) AS h
                     JOIN suppression s ON s.installation_hash = h) AS suppressed,
             (SELECT epoch FROM snapshot_epoch) AS epoch`,
    values: [batch.batchId, new Date(batch.gatheredAt).toISOString(), hashes],
  });
  const { is_new: isNew = false, suppressed = [], epoch = '' } = rows[0] ?? {};
  const found = new Set(suppressed.map((hash) => hash.toString('hex')));
  const ids = installationIds.filter((_, at) => found.has(hashes[at]?.toString('hex') ?? ''));
  return { isNew, suppressed: new Set(ids), epoch };
}

const POLL_MS = 20;

/**
 * Waits until every transaction has ended that writes and was under way when this was called. From then
 * on, nobody is left who has not seen what had been committed before. A number of its own tells those
 * that began before: the `xmax` of a snapshot would not, it is only past the last one that has ended.
 */
export async function waitForWriters(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ horizon: string }>(
    'SELECT pg_current_xact_id()::text AS horizon',
  );
  const horizon = rows[0]?.horizon;
  for (;;) {
    const { rows: now } = await client.query<{ is_over: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 AS is_over',
      [horizon],
    );
    if (now[0]?.is_over) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
