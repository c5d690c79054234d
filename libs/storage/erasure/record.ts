import type { LedgerKind, LedgerRecord } from '../ledger/entry.js';
import { kindOf, noteRecorded } from '../ledger/unrecorded.js';
import { inStep } from '../database/claims.js';
import type { Group } from './claim.js';
import type { ErasureMode } from '../ledger/erasure-mode.js';
import type { RunContext } from './context.js';
import { outside } from './outside.js';

/** Records outside the database that installations are suppressed. */
export async function recordSuppressions(group: Group, context: RunContext): Promise<void> {
  await record(group, context, () => 'suppressed');
}

/** Records outside the database what was done, before it is certified. */
export async function recordCompletions(group: Group, context: RunContext): Promise<void> {
  await record(group, context, kindOf);
}

interface Row {
  id: string;
  mode: ErasureMode;
  requested_at: Date;
  recorded: LedgerKind | null;
  digests: Buffer[];
}

/**
 * An erasure that has such an entry gets no second one, unless its worker is killed between the entry and
 * the note about it; a second one says the same.
 */
async function record(
  group: Group,
  { client, record }: RunContext,
  kindOf: (mode: ErasureMode) => LedgerKind,
): Promise<void> {
  const { rows } = await client.query<Row>(
    `SELECT erasure_id AS id, mode, requested_at, ledger->>'kind' AS recorded,
            ARRAY(SELECT installation_hash FROM erasure_subject s
                   WHERE s.erasure_id = e.erasure_id ORDER BY 1) AS digests
       FROM erasure e WHERE erasure_id = ANY ($1) ORDER BY requested_at`,
    [group.erasures.map(({ id }) => id)],
  );
  const isMissing = ({ mode, recorded }: Row) =>
    recorded === null || isLess(recorded, kindOf(mode));
  const records = rows.filter(isMissing).map(({ id, mode, requested_at, digests }) => ({
    ...{ erasureId: id, mode, kind: kindOf(mode), requestedAt: requested_at.toISOString() },
    installations: digests.map((digest) => digest.toString('base64url')),
  })) satisfies LedgerRecord[];
  if (records.length === 0) return;
  const places = await outside('ledger', record(records));
  await inStep(client, group, () => noteRecorded(client, records, places));
}

const isLess = (recorded: LedgerKind, wanted: LedgerKind) =>
  recorded === 'suppressed' && wanted !== 'suppressed';
