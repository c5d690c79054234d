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

/** What a transaction that stores events begins with. */
export interface WriteStart {
  /** The installations whose events are not to be stored. */
  suppressed: ReadonlySet<string>;
  /** Raised whenever snapshots are collected. */
  epoch: string;
}

export interface BatchStart extends WriteStart {
  /** False where the batch was stored before. */
  isNew: boolean;
}

interface StartRow {
  suppressed: Buffer[];
  epoch: string;
}

const START = `
  ARRAY(SELECT s.installation_hash FROM unnest($1::bytea[]) AS h
          JOIN suppression s ON s.installation_hash = h) AS suppressed,
  (SELECT epoch FROM snapshot_epoch) AS epoch`;

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
  const { rows } = await tx.query<StartRow & { is_new: boolean }>({
    name: 'begin-batch',
    text: `
      WITH receipt AS (
        INSERT INTO batch_receipt VALUES ($2, $3) ON CONFLICT DO NOTHING RETURNING 1)
      SELECT EXISTS (SELECT FROM receipt) AS is_new, ${START}`,
    values: [hashes, batch.batchId, new Date(batch.gatheredAt).toISOString()],
  });
  return { isNew: rows[0]?.is_new ?? false, ...toStart(rows[0], installationIds, hashes) };
}

/** Begins a transaction that stores events anew, which were in a batch long ago: the same question. */
export async function beginReplay(
  tx: pg.ClientBase,
  installationIds: readonly string[],
  hasher: InstallationHasher,
): Promise<WriteStart> {
  await tx.query('BEGIN; SELECT pg_current_xact_id()');
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
