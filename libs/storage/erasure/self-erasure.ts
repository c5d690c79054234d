import type pg from 'pg';
import type { DeletionRequest, NormalisedEvent } from '#telemetry';
import type { InstallationHasher } from '../database/installation-hash.js';
import { findKnown, lockRequests, requestErasure } from './request.js';

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
  const formerIdsOf = collectFormerIds(events.filter(isDeletionRequest));
  if (formerIdsOf.size === 0) return;
  const known = new Set(await findKnown(tx, [...formerIdsOf.values()].flat(), hasher));
  const hashesOf = ([installationId, formerIds]: [string, string[]]) =>
    [installationId, ...formerIds.filter((id) => known.has(id))].map((id) =>
      hasher.hash(id).toString('hex'),
    );
  const asked = [...formerIdsOf];
  const hashes = [...new Set(asked.flatMap(hashesOf))].sort();
  if ((await findUnasked(tx, hashes)).length === 0) return;
  // Of two batches that ask at once, the second one finds what the first has asked for.
  await lockRequests(tx);
  const unasked = new Set(await findUnasked(tx, hashes));
  for (const installation of asked) {
    if (!hashesOf(installation).some((hash) => unasked.has(hash))) continue;
    const [installationId, formerIds] = installation;
    const wanted = {
      mode: 'erase_and_suppress',
      installationIds: [installationId],
      formerIds,
    } as const;
    await requestErasure(tx, wanted, { hasher, actor: 'installation' });
  }
}

/** Each installation once, with the ids that any of its requests names. */
function collectFormerIds(requests: readonly DeletionRequest[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { installationId, formerIds = [] } of requests) {
    found.set(installationId, [...(found.get(installationId) ?? []), ...formerIds]);
  }
  return found;
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
