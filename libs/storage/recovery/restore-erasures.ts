import type pg from 'pg';
import { recordAudit, type Actor } from '../database/audit-log.js';
import { announce } from '../database/listener.js';
import { requestErasure } from '../erasure/request.js';
import type { InstallationHasher } from '../database/installation-hash.js';
import type { RememberedErasure } from '../ledger/remembered-erasures.js';

/** The maximum number of installations in one request. */
const INSTALLATIONS_PER_REQUEST = 10_000;

export interface RestoreContext {
  hasher: InstallationHasher;
  actor: Actor;
  /** The erasure that decides about each digest. */
  deciding: ReadonlyMap<string, RememberedErasure>;
  /** The digests of installations that a later request has unsuppressed. */
  lifted: ReadonlySet<string>;
  /** The ids of installations in the database, by digest. */
  found: ReadonlyMap<string, string>;
}

/**
 * Requests erasures again under their former ids; workers carry them out. If an installation is not suppressed now,
 * only events received before its erasure are removed, and later ones are kept.
 */
export async function restoreErasures(
  tx: pg.ClientBase,
  erasures: readonly RememberedErasure[],
  context: RestoreContext,
): Promise<void> {
  for (const erasure of erasures) {
    const { erasureId, mode, requestedAt, kind, place, installations } = erasure;
    const { rowCount } = await tx.query(
      `INSERT INTO erasure (erasure_id, mode, state, installations, requested_at, reapplied_at, ledger)
       VALUES ($1, $2, 'requested', $3, $4, now(), $5) ON CONFLICT DO NOTHING`,
      [erasureId, mode, installations.length, requestedAt, JSON.stringify({ kind, ...place })],
    );
    if (rowCount === 0) continue; // another worker was first
    await tx.query(
      `INSERT INTO erasure_subject SELECT h, $2 FROM unnest($1::bytea[]) AS h ON CONFLICT DO NOTHING`,
      [installations.map((digest) => Buffer.from(digest, 'base64url')), erasureId],
    );
    const targets = targetsOf(erasure, context);
    await tx.query(
      `INSERT INTO erasure_target (installation_id, received_until, erasure_id)
       SELECT id, until, $3 FROM unnest($1::uuid[], $2::timestamptz[]) AS t(id, until)`,
      [targets.map(({ id }) => id), targets.map(({ until }) => until), erasureId],
    );
    await recordAudit(tx, context.hasher, {
      ...{ actor: context.actor, act: 'erasure.reapply', outcome: 'done' },
      installationId: installations.length === 1 ? targets[0]?.id : undefined,
      detail: { erasureId, mode, installations: installations.length, found: targets.length },
    });
  }
  await announce(tx, 'work');
}

function targetsOf(
  { at, installations }: RememberedErasure,
  { deciding, lifted, found }: RestoreContext,
) {
  return installations.flatMap((digest) => {
    const id = found.get(digest);
    const decision = deciding.get(digest);
    const isSuppressed = decision !== undefined && decision.mode !== 'lift' && !lifted.has(digest);
    return id === undefined ? [] : [{ id, until: isSuppressed ? null : at }];
  });
}

/**
 * Requests the erasure of installations that were erased and suppressed but have rows, unless one of their erasures is
 * in progress. @returns how many
 */
export async function eraseReappeared(
  tx: pg.ClientBase,
  installationIds: readonly string[],
  { hasher, actor }: Pick<RestoreContext, 'hasher' | 'actor'>,
): Promise<number> {
  const { rows } = await tx.query<{ id: string }>(
    `SELECT id FROM unnest($1::uuid[], $2::bytea[]) AS t(id, hash)
      WHERE NOT EXISTS (
            SELECT FROM erasure_subject u JOIN erasure e USING (erasure_id)
             WHERE u.installation_hash = hash AND e.state <> 'complete')`,
    [installationIds, installationIds.map((id) => hasher.hash(id))],
  );
  const mode = 'erase_and_suppress';
  for (let start = 0; start < rows.length; start += INSTALLATIONS_PER_REQUEST) {
    const ids = rows.slice(start, start + INSTALLATIONS_PER_REQUEST).map(({ id }) => id);
    await requestErasure(tx, { mode, installationIds: ids }, { hasher, actor });
  }
  return rows.length;
}
