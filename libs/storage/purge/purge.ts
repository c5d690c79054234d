/** Which events are meant: those that a write key sent and that were received in a time. */
export interface PurgeScope {
  /** The beginning of the key's SHA-256, see `keyIdOf`. */
  keyId: string;
  /** Received at this time or later, RFC 3339. */
  from: string;
  /** Received before this time. */
  to: string;
}

export const purgeStates = ['requested', 'running', 'complete', 'failed'] as const;
export type PurgeState = (typeof purgeStates)[number];

/** A purge as an administrator sees it. No id of an installation is in it. */
export interface Purge extends PurgeScope {
  id: string;
  state: PurgeState;
  requestedAt: string;
  requestedBy: string;
  completedAt: string | null;
  /** Rows that are gone so far, by table. */
  removed: Record<string, number>;
  /** Why the last attempt failed: an SQLSTATE, `queue_unavailable` or `interrupted`; null if none did since the last progress. */
  failure: string | null;
}

/** Where to continue in the list of purges, newest first. */
export interface PurgePage {
  state?: PurgeState | undefined;
  /** The id of the last one of the page before. */
  after?: string | undefined;
  limit: number;
}

/** What a key sent, by product, version and kind of event. */
export interface SentGroup {
  product: string;
  version: string | null;
  kind: string;
  events: number;
  installations: number;
  firstReceivedAt: string;
  lastReceivedAt: string;
}

export interface PurgeRow {
  purge_id: string;
  key_id: string;
  received_from: Date;
  received_to: Date;
  state: PurgeState;
  requested_at: Date;
  requested_by: string;
  completed_at: Date | null;
  removed: Record<string, number>;
  failure: string | null;
}

export function toPurge(row: PurgeRow): Purge {
  return {
    id: row.purge_id,
    keyId: row.key_id,
    from: row.received_from.toISOString(),
    to: row.received_to.toISOString(),
    state: row.state,
    requestedAt: row.requested_at.toISOString(),
    requestedBy: row.requested_by,
    completedAt: row.completed_at?.toISOString() ?? null,
    removed: row.removed,
    failure: row.failure,
  };
}
