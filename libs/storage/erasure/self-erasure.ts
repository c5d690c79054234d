import type pg from 'pg';
import type { DeletionRequest, NormalisedEvent } from '#telemetry';
import { recordAct } from '../audit-log.js';
import type { InstallationHasher } from '../suppression.js';
import { lockRequests, requestErasure } from './request.js';

/**
 * Asks for the erasure of installations that want it themselves, in the transaction of their events. One
 * that is being erased, or was and has been suppressed since, needs no second one. To be called before
 * the transaction locks any installation: all writers then take their locks in one order.
 */
export async function requestOwnErasures(
  tx: pg.ClientBase,
  events: readonly NormalisedEvent[],
  hasher: InstallationHasher,
): Promise<void> {
  const ids = new Set(events.filter(isDeletionRequest).map((event) => event.installationId));
  if (ids.size === 0) return;
  const byHash = new Map([...ids].map((id) => [hasher.hash(id).toString('hex'), id]));
  const hashes = [...byHash.keys()].sort();
  if ((await findUnasked(tx, hashes)).length === 0) return;
  // Of two batches that ask at once, the second one finds what the first has asked for.
  await lockRequests(tx);
  for (const hash of await findUnasked(tx, hashes)) {
    const installationId = byHash.get(hash);
    if (installationId === undefined) continue;
    await request(tx, hasher, installationId);
  }
}

function isDeletionRequest(event: NormalisedEvent): event is DeletionRequest {
  return event.fate === 'suppressed' && 'installationId' in event;
}

/** The installations whose erasure has not been requested yet, by their hashes. */
async function findUnasked(tx: pg.ClientBase, hashes: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ hash: string }>(
    `SELECT encode(h, 'hex') AS hash
       FROM (SELECT decode(t, 'hex') AS h FROM unnest($1::text[]) AS t) AS asked
      WHERE NOT EXISTS (
            SELECT FROM erasure_subject s JOIN erasure e USING (erasure_id)
             WHERE s.installation_hash = h AND e.mode = 'erase_and_suppress'
               AND (e.state NOT IN ('complete', 'failed') OR EXISTS (
                    SELECT FROM suppression p
                     WHERE p.installation_hash = h AND p.suppressed_at <= e.completed_at)))`,
    [hashes],
  );
  return rows.map(({ hash }) => hash);
}

async function request(
  tx: pg.ClientBase,
  hasher: InstallationHasher,
  installationId: string,
): Promise<void> {
  const mode = 'erase_and_suppress';
  const wanted = { mode, installationIds: [installationId] } as const;
  const { erasure, isNew } = await requestErasure(tx, wanted, hasher);
  if (!isNew) return;
  await recordAct(tx, hasher, {
    ...{ actor: 'installation', act: 'erasure.request', outcome: 'done', installationId },
    detail: { erasureId: erasure.id, mode, installations: 1 },
  });
}
