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

/** Comes first in a transaction that stores events. */
export const TAKE_NUMBER = 'SELECT pg_current_xact_id()';

const START = `
  ARRAY(SELECT s.installation_hash FROM unnest($1::bytea[]) AS h
          JOIN suppression s ON s.installation_hash = h) AS suppressed,
  (SELECT epoch FROM snapshot_epoch) AS epoch`;

/**
 * Begins a batch in its transaction: records its receipt, and asks which of its installations are
 * suppressed. The transaction has its number before it asks (`TAKE_NUMBER`), and holds a lock on what it has asked, so
 * whoever suppresses an installation can wait for all that may not have seen it (see `waitForWriters`).
 */
export async function beginBatch(
  tx: pg.ClientBase,
  batch: { batchId: string; gatheredAt: number },
  installationIds: readonly string[],
  hasher: InstallationHasher,
): Promise<BatchStart> {
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

/** Begins a replay in its transaction: the same question, without a receipt. */
export async function beginReplay(
  tx: pg.ClientBase,
  installationIds: readonly string[],
  hasher: InstallationHasher,
): Promise<WriteStart> {
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
/** More than a transaction that stores events can take: its statements and its pauses are limited. */
const WRITERS_LIMIT_MS = 120_000;

/**
 * Those that have asked who is suppressed and may write by what they heard: whoever has asked holds a
 * lock on the table until its transaction ends. It is taken before the question is answered, so who
 * does not hold it yet will see what has been committed by now. A dump holds it as well, but has no
 * number, for it writes nothing.
 */
const WRITERS = `
  SELECT virtualtransaction AS id FROM pg_locks
   WHERE pid <> pg_backend_pid() AND granted
   GROUP BY 1
  HAVING bool_or(relation = 'suppression'::regclass AND mode = 'AccessShareLock'
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
     AND bool_or(locktype = 'transactionid' AND mode = 'ExclusiveLock')`;

/**
 * Waits until every transaction has ended that stores events and was under way when this was called.
 * From then on, every writer has seen what had been committed before. It waits for no other transaction,
 * however long that takes.
 * @throws after the limit: two minutes unless given
 */
export async function waitForWriters(
  client: pg.ClientBase,
  limitMs = WRITERS_LIMIT_MS,
): Promise<void> {
  const ask = async () => (await client.query<{ id: string }>(WRITERS)).rows.map(({ id }) => id);
  const giveUpAt = performance.now() + limitMs;
  const waitedFor = new Set(await ask());
  while (waitedFor.size > 0) {
    if (performance.now() > giveUpAt) {
      throw new Error(`Transactions that store events do not end: ${waitedFor.size}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const now = new Set(await ask());
    for (const id of waitedFor) if (!now.has(id)) waitedFor.delete(id);
  }
}
