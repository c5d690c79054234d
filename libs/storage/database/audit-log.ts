import type { Queryable } from './queryable.js';
import type { InstallationHasher } from './installation-hash.js';
import { queryRecords, selectList } from './records.js';

export const auditOutcomes = ['done', 'refused', 'failed'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** Who acts: an administrator's token, or the name of a process that acts by itself. */
export type Actor = { id: string; name: string } | string;

/** Something that an administrator did or tried to do. */
export interface AuditEntry {
  actor: Actor;
  /** What, as `erasure.request`. */
  act: string;
  outcome: AuditOutcome;
  /** Known by its keyed hash only. */
  installationId?: string | undefined;
  /** Nothing that identifies an installation. */
  detail?: object | undefined;
}

/** An entry of the log. */
export interface AuditRecord {
  id: string;
  at: string;
  actor: string;
  /** The id of the actor's token; null where none was used. */
  actorId: string | null;
  act: string;
  outcome: AuditOutcome;
  /** HMAC-SHA-256 of the installation's id, in hex; null where the act is about none. */
  installationHash: string | null;
  detail: object;
}

const RECORD = selectList<AuditRecord>({
  id: 'audit_id',
  at: 'at',
  actor: 'actor',
  actorId: 'actor_id',
  act: 'act',
  outcome: 'outcome',
  installationHash: "encode(installation_hash, 'hex')",
  detail: 'detail',
});

/**
 * Adds an entry to the audit log, from which none can be removed. Call it in the transaction of the act, so that no act
 * lacks its entry.
 */
export async function recordAudit(
  client: Queryable,
  hasher: InstallationHasher,
  entry: AuditEntry,
): Promise<void> {
  const { installationId } = entry;
  await insert(client, entry, installationId === undefined ? null : hasher.hash(installationId));
}

/** The same for an act that is not about one installation. */
export async function recordGeneralAudit(
  client: Queryable,
  entry: Omit<AuditEntry, 'installationId'>,
): Promise<void> {
  await insert(client, entry, null);
}

async function insert(
  client: Queryable,
  { actor, act, outcome, detail = {} }: AuditEntry,
  installation: Buffer | null,
): Promise<void> {
  await client.query(
    `INSERT INTO audit_log (actor, actor_id, act, outcome, installation_hash, detail)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [nameOf(actor), idOf(actor), act, outcome, installation, JSON.stringify(detail)],
  );
}

export function nameOf(actor: Actor): string {
  return typeof actor === 'string' ? actor : actor.name;
}

function idOf(actor: Actor): string | null {
  return typeof actor === 'string' ? null : actor.id;
}

/** The newest entries first. @param after the id of the last one of the page before */
export async function listAuditRecords(
  client: Queryable,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<AuditRecord[]> {
  return queryRecords(
    client,
    `SELECT ${RECORD} FROM audit_log WHERE $2::bigint IS NULL OR audit_id < $2
      ORDER BY audit_id DESC LIMIT $1`,
    [limit, after],
  );
}
