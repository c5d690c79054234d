import { selectList } from '../database/records.js';

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

export const PURGE = selectList<Purge>({
  id: 'purge_id',
  keyId: 'key_id',
  from: 'received_from',
  to: 'received_to',
  state: 'state',
  requestedAt: 'requested_at',
  requestedBy: 'requested_by',
  completedAt: 'completed_at',
  removed: 'removed',
  failure: 'failure',
});
