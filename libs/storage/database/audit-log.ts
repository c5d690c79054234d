import type { Queryable } from './database.js';
import type { InstallationHasher } from './installation-hash.js';
import { queryRecords, selectList } from './records.js';

export const actOutcomes = ['done', 'refused', 'failed'] as const;
export type ActOutcome = (typeof actOutcomes)[number];

/** Who acts: an administrator's token, or the name of a process that acts by itself. */
export type Actor = { id: string; name: string } | string;

/** Something that an administrator did, or tried to do. */
export interface Act {
  actor: Actor;
  /** What, as `erasure.request`. */
  act: string;
  outcome: ActOutcome;
  /** Known by its keyed hash only. */
  installationId?: string | undefined;
  /** Nothing that identifies an installation. */
  detail?: object | undefined;
}

/** An act as recorded in the log. */
export interface RecordedAct {
  id: string;
  at: string;
  actor: string;
  /** The id of the actor's token; null where none was used. */
  actorId: string | null;
  act: string;
  outcome: ActOutcome;
  /** HMAC-SHA-256 of the installation's id, in hex; null where the act is about none. */
  installationHash: string | null;
  detail: object;
}

const ACT = selectList<RecordedAct>({
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
 * Adds to the audit log, which nothing can be taken out of. To be called in the transaction of the act, so that there is
 * no act without its entry.
 */
export async function recordAct(
  client: Queryable,
  hasher: InstallationHasher,
  act: Act,
): Promise<void> {
  const { installationId } = act;
  await insert(client, act, installationId === undefined ? null : hasher.hash(installationId));
}

/** The same for an act that is not about one installation. */
export async function recordGeneralAct(
  client: Queryable,
  act: Omit<Act, 'installationId'>,
): Promise<void> {
  await insert(client, act, null);
}

async function insert(
  client: Queryable,
  { actor, act, outcome, detail = {} }: Act,
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

/** What was done, newest first. @param after the id of the last one of the page before */
export async function listActs(
  client: Queryable,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<RecordedAct[]> {
  return queryRecords(
    client,
    `SELECT ${ACT} FROM audit_log WHERE $2::bigint IS NULL OR audit_id < $2
      ORDER BY audit_id DESC LIMIT $1`,
    [limit, after],
  );
}
