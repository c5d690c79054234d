import type pg from 'pg';
import { recordAct, type Actor } from '../database/audit-log.js';
import { announce } from '../database/listener.js';
import { requestErasure } from '../erasure/request.js';
import type { InstallationHasher } from '../database/installation-hash.js';
import type { RememberedErasure } from '../ledger/last-words.js';

/** The most installations of one erasure, as of a request. */
const INSTALLATIONS_AT_ONCE = 10_000;

export interface RestoreContext {
  hasher: InstallationHasher;
  actor: Actor;
  /** The erasure that has the last word about each digest. */
  words: ReadonlyMap<string, RememberedErasure>;
  /** The digests of those that the database knows to be lifted since. */
  lifted: ReadonlySet<string>;
  /** The ids of those that are in the database, by digest. */
  found: ReadonlyMap<string, string>;
}

/**
 * Makes erasures known again, as they were requested; workers then carry them out. Where an installation is
 * not suppressed in the end, only what was received until its erasure is removed: what it has sent since is
 * its own.
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
    await recordAct(tx, context.hasher, {
      ...{ actor: context.actor, act: 'erasure.reapply', outcome: 'done' },
      installationId: installations.length === 1 ? targets[0]?.id : undefined,
      detail: { erasureId, mode, installations: installations.length, found: targets.length },
    });
  }
  await announce(tx, 'work');
}

function targetsOf(
  { at, installations }: RememberedErasure,
  { words, lifted, found }: RestoreContext,
) {
  return installations.flatMap((digest) => {
    const id = found.get(digest);
    const word = words.get(digest);
    const isSuppressed = word !== undefined && word.mode !== 'lift' && !lifted.has(digest);
    return id === undefined ? [] : [{ id, until: isSuppressed ? null : at }];
  });
}

/**
 * Erases installations that were erased and suppressed and have rows all the same, unless an erasure of
 * theirs is under way. @returns how many
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
  for (let start = 0; start < rows.length; start += INSTALLATIONS_AT_ONCE) {
    const ids = rows.slice(start, start + INSTALLATIONS_AT_ONCE).map(({ id }) => id);
    await requestErasure(tx, { mode, installationIds: ids }, { hasher, actor });
  }
  return rows.length;
}
