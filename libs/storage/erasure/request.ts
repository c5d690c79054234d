import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { recordAudit, type Actor } from '../database/audit-log.js';
import type { Queryable } from '../database/queryable.js';
import { announce } from '../database/listener.js';
import { holdMutex } from '../database/mutex.js';
import type { InstallationHasher } from '../database/installation-hash.js';
import { queryRecords } from '../database/records.js';
import type { ErasureMode } from '../ledger/erasure-mode.js';
import { ERASURE, type Erasure } from './erasure.js';

export interface ErasureRequest {
  mode: ErasureMode;
  /** As they are stored. */
  installationIds: readonly string[];
  /** Other ids that they may have had in earlier releases: those that are known are erased as well. */
  formerIds?: readonly string[] | undefined;
  /** A repeated request with the same key returns the same erasure. */
  idempotencyKey?: string | undefined;
}

/** An idempotency key was used before for another mode or other installations. */
export class IdempotencyKeyReused extends Error {
  override readonly name = 'IdempotencyKeyReused';
}

/**
 * Requests an erasure, in the caller's transaction. The installations are suppressed from its commit on, except
 * for transactions that store events at that moment. The same request again, with its key or while the first one
 * is under way, returns the same erasure and adds no second audit entry.
 * @throws IdempotencyKeyReused
 */
export async function requestErasure(
  tx: pg.ClientBase,
  { mode, idempotencyKey, installationIds, formerIds = [] }: ErasureRequest,
  { hasher, actor }: { hasher: InstallationHasher; actor: Actor },
): Promise<{ erasure: Erasure; isNew: boolean }> {
  const installations = new Set(installationIds).size;
  await lockRequests(tx);
  const known = await findKnown(tx, formerIds, hasher);
  const ids = [...new Set([...installationIds, ...known])].sort();
  const hashes = ids.map((id) => hasher.hash(id));
  const keyed = await findByKey(tx, idempotencyKey);
  if (keyed) {
    const requested = new Set(installationIds.map((id) => hasher.hash(id).toString('hex')));
    const former = new Set(formerIds.map((id) => hasher.hash(id).toString('hex')));
    const isSame = keyed.mode === mode && (await isAbout(tx, keyed, { requested, former }));
    if (!isSame) throw new IdempotencyKeyReused();
    return { erasure: keyed, isNew: false };
  }
  const same = await findSame(tx, { mode, ids, installations });
  if (same) return { erasure: same, isNew: false };
  const erasure = await insert(tx, { mode, idempotencyKey, installations, ids, hashes });
  if (mode !== 'lift') await suppress(tx, hashes, mode !== 'erase');
  await recordAudit(tx, hasher, {
    ...{ actor, act: 'erasure.request', outcome: 'done' },
    installationId: installations === 1 ? installationIds[0] : undefined,
    detail: { erasureId: erasure.id, mode, installations },
  });
  await announce(tx, 'work');
  return { erasure, isNew: true };
}

interface NewErasure extends Pick<ErasureRequest, 'mode' | 'idempotencyKey'> {
  installations: number;
  ids: readonly string[];
  hashes: readonly Buffer[];
}

async function insert(
  tx: pg.ClientBase,
  { mode, idempotencyKey, installations, ids, hashes }: NewErasure,
): Promise<Erasure> {
  const [erasure] = (await queryRecords<Erasure>(
    tx,
    // No two at the same time, for of two about the same installation the later one has the last word.
    `INSERT INTO erasure (erasure_id, mode, state, installations, idempotency_key, requested_at)
     VALUES ($1, $2, 'requested', $3, $4, greatest(clock_timestamp(),
             (SELECT max(requested_at) + interval '1 millisecond' FROM erasure))) RETURNING ${ERASURE}`,
    [randomUUID(), mode, installations, idempotencyKey],
  )) as [Erasure];
  await tx.query(
    `WITH target AS (INSERT INTO erasure_target SELECT id, $1::uuid FROM unnest($2::uuid[]) AS id)
     INSERT INTO erasure_subject SELECT h, $1::uuid FROM unnest($3::bytea[]) AS h`,
    [erasure.id, ids, hashes],
  );
  return erasure;
}

/** From the commit on, no event of these installations is stored. */
export async function suppress(
  tx: pg.ClientBase,
  hashes: readonly Buffer[],
  isLasting: boolean,
): Promise<void> {
  await tx.query(
    `INSERT INTO suppression SELECT h, now(), $2 FROM unnest($1::bytea[]) AS h ORDER BY h
     ON CONFLICT (installation_hash) DO UPDATE SET is_lasting = true
      WHERE EXCLUDED.is_lasting AND NOT suppression.is_lasting`,
    [hashes, isLasting],
  );
}

/** Keeps out, to the end of the transaction, others that ask for erasures or end suppressions. */
export async function lockRequests(tx: pg.ClientBase): Promise<void> {
  await holdMutex(tx, 'erasure_requests');
}

/** Those of these ids that have rows, or are suppressed. */
export async function findKnown(
  database: Queryable,
  ids: readonly string[],
  hasher: InstallationHasher,
): Promise<string[]> {
  if (ids.length === 0) return [];
  const { rows } = await database.query<{ id: string }>(
    `SELECT DISTINCT known.id FROM unnest($1::uuid[], $2::bytea[]) AS known(id, hash)
      WHERE EXISTS (SELECT FROM installation i WHERE i.installation_id = known.id)
         OR EXISTS (SELECT FROM suppression s WHERE s.installation_hash = known.hash)`,
    [ids, ids.map((id) => hasher.hash(id))],
  );
  return rows.map(({ id }) => id);
}

async function findByKey(
  tx: pg.ClientBase,
  idempotencyKey: string | undefined,
): Promise<Erasure | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const [keyed] = await queryRecords<Erasure>(
    tx,
    `SELECT ${ERASURE} FROM erasure WHERE idempotency_key = $1`,
    [idempotencyKey],
  );
  return keyed;
}

/** Which former ids were known, and so are subjects of an erasure, depends on when it was requested. */
async function isAbout(
  tx: pg.ClientBase,
  { id }: Erasure,
  { requested, former }: { requested: ReadonlySet<string>; former: ReadonlySet<string> },
): Promise<boolean> {
  const { rows } = await tx.query<{ hash: string }>(
    `SELECT encode(installation_hash, 'hex') AS hash FROM erasure_subject WHERE erasure_id = $1`,
    [id],
  );
  const subjects = new Set(rows.map(({ hash }) => hash));
  return (
    [...requested].every((hash) => subjects.has(hash)) &&
    [...subjects].every((hash) => requested.has(hash) || former.has(hash))
  );
}

interface SoughtErasure {
  mode: ErasureMode;
  ids: readonly string[];
  installations: number;
}

/**
 * An erasure of the same mode that is under way for exactly these installations, unless something else was
 * requested for one of them since.
 */
async function findSame(
  tx: pg.ClientBase,
  { mode, ids, installations }: SoughtErasure,
): Promise<Erasure | undefined> {
  const [same] = await queryRecords<Erasure>(
    tx,
    `SELECT ${ERASURE} FROM erasure_target first JOIN erasure e USING (erasure_id)
      WHERE first.installation_id = $2::uuid AND e.mode = $1 AND e.installations = $4
        AND e.state <> 'failed'
        AND $3::uuid[] = (SELECT array_agg(installation_id ORDER BY installation_id::text)
                            FROM erasure_target t WHERE t.erasure_id = e.erasure_id)
        AND NOT EXISTS (SELECT FROM erasure_target t JOIN erasure later USING (erasure_id)
                         WHERE t.installation_id = ANY ($3::uuid[]) AND later.mode <> $1
                           AND later.requested_at > e.requested_at)
      LIMIT 1`,
    [mode, ids[0], ids, installations],
  );
  return same;
}
