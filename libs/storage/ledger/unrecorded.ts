import type pg from 'pg';
import type { ErasureMode } from './erasure-mode.js';
import type { LedgerKind, LedgerPlace, LedgerRecord } from './entry.js';

const ERASURES_AT_ONCE = 200;

/** The kind of entry for a completed erasure of this mode. */
export function kindOf(mode: ErasureMode): LedgerKind {
  if (mode === 'lift') return 'lifted';
  return mode === 'suppress' ? 'suppressed' : 'erased';
}

/**
 * Records the oldest erasures that were completed without a ledger. Erasures in progress are recorded by their workers.
 * @returns how many
 */
export async function takeUnrecorded(
  tx: pg.ClientBase,
  record: (records: readonly LedgerRecord[]) => Promise<LedgerPlace[]>,
): Promise<number> {
  const { rows } = await tx.query<{
    id: string;
    mode: ErasureMode;
    requested_at: Date;
    digests: Buffer[];
  }>(
    `SELECT erasure_id AS id, mode, requested_at,
            ARRAY(SELECT installation_hash FROM erasure_subject s
                   WHERE s.erasure_id = e.erasure_id ORDER BY 1) AS digests
       FROM erasure e WHERE state = 'complete' AND ledger IS NULL
      ORDER BY requested_at LIMIT ${ERASURES_AT_ONCE} FOR UPDATE SKIP LOCKED`,
  );
  const records = rows.map(({ id, mode, requested_at, digests }): LedgerRecord => ({
    ...{ erasureId: id, mode, kind: kindOf(mode), requestedAt: requested_at.toISOString() },
    installations: digests.map((digest) => digest.toString('base64url')),
  }));
  await noteRecorded(tx, records, await record(records));
  return rows.length;
}

/** Stores the place of each erasure's entry. */
export async function noteRecorded(
  tx: pg.ClientBase,
  records: readonly LedgerRecord[],
  places: readonly LedgerPlace[],
): Promise<void> {
  await tx.query(
    `UPDATE erasure e SET ledger = n.ledger
       FROM unnest($1::uuid[], $2::jsonb[]) AS n(erasure_id, ledger)
      WHERE e.erasure_id = n.erasure_id`,
    [
      records.map(({ erasureId }) => erasureId),
      records.map(({ kind }, at) => JSON.stringify({ kind, ...places[at] })),
    ],
  );
}
