import type { LedgerPlace } from '../ledger/entry.js';
import { selectList } from '../database/records.js';
import type { ErasureMode } from '../ledger/erasure-mode.js';

export const erasureStates = [
  'requested',
  'suppressing',
  'erasing',
  'verifying',
  'complete',
  'failed',
] as const;
export type ErasureState = (typeof erasureStates)[number];

/** Rows by table. */
export type RowCounts = Record<string, number>;

/** What became of Redis' append-only file, which keeps what was removed from the queue until it is rewritten. */
export interface LogState {
  /** `off`: Redis keeps no such file. `not_permitted`: Redis does not allow that it is rewritten. */
  state: 'rewritten' | 'pending' | 'off' | 'not_permitted';
  rewrittenAt: string | null;
}

/** An erasure as an administrator sees it. No id of an installation is in it. */
export interface Erasure {
  id: string;
  mode: ErasureMode;
  state: ErasureState;
  /** How many installations it is about. */
  installations: number;
  requestedAt: string;
  suppressedAt: string | null;
  erasedAt: string | null;
  completedAt: string | null;
  /** Rows that were removed, by table. */
  removed: RowCounts;
  /** Rows that were found when it was looked for any that are left: 0 each. */
  verified: RowCounts | null;
  /** Its latest entry in the ledger outside the database; null before it has one. */
  ledger: LedgerPlace | null;
  /** When it was taken over from the ledger, because a restored database had forgotten it. */
  reappliedAt: string | null;
  /** Null where nothing was removed from the queue. */
  redisAppendOnlyFile: LogState | null;
  /** Why the last attempt failed; null where none has. */
  failure: string | null;
}

export const ERASURE = selectList<Erasure>({
  id: 'erasure_id',
  mode: 'mode',
  state: 'state',
  installations: 'installations',
  requestedAt: 'requested_at',
  suppressedAt: 'suppressed_at',
  erasedAt: 'erased_at',
  completedAt: 'completed_at',
  removed: 'removed',
  verified: 'verified',
  ledger: `
    CASE WHEN ledger IS NOT NULL
         THEN json_build_object('sequence', ledger->'sequence', 'hash', ledger->'hash') END`,
  reappliedAt: 'reapplied_at',
  redisAppendOnlyFile: `
    CASE WHEN num_nonnulls(log_rewritten_at, log_not_rewritten, log_pending_since) > 0
         THEN json_build_object(
           'state', CASE WHEN log_rewritten_at IS NULL THEN coalesce(log_not_rewritten, 'pending')
                         ELSE 'rewritten' END,
           'rewrittenAt', to_char(log_rewritten_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    END`,
  failure: 'failure',
});
