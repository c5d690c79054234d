import type { LedgerPlace } from '../ledger/entry.js';
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

export interface ErasureRow {
  erasure_id: string;
  mode: ErasureMode;
  state: ErasureState;
  installations: number;
  requested_at: Date;
  suppressed_at: Date | null;
  erased_at: Date | null;
  completed_at: Date | null;
  removed: RowCounts;
  verified: RowCounts | null;
  ledger: (LedgerPlace & { kind: string }) | null;
  reapplied_at: Date | null;
  log_pending_since: Date | null;
  log_rewritten_at: Date | null;
  log_not_rewritten: string | null;
  failure: string | null;
}

export function toErasure(row: ErasureRow): Erasure {
  return {
    id: row.erasure_id,
    mode: row.mode,
    state: row.state,
    installations: row.installations,
    requestedAt: row.requested_at.toISOString(),
    suppressedAt: row.suppressed_at?.toISOString() ?? null,
    erasedAt: row.erased_at?.toISOString() ?? null,
    completedAt: row.completed_at?.toISOString() ?? null,
    removed: row.removed,
    verified: row.verified,
    ledger: row.ledger && { sequence: row.ledger.sequence, hash: row.ledger.hash },
    reappliedAt: row.reapplied_at?.toISOString() ?? null,
    redisAppendOnlyFile: logStateOf(row),
    failure: row.failure,
  };
}

type LogColumns = Pick<ErasureRow, 'log_pending_since' | 'log_rewritten_at' | 'log_not_rewritten'>;

export function logStateOf(row: LogColumns): LogState | null {
  const rewrittenAt = row.log_rewritten_at?.toISOString() ?? null;
  if (rewrittenAt !== null) return { state: 'rewritten', rewrittenAt };
  if (row.log_not_rewritten !== null) {
    return { state: row.log_not_rewritten as LogState['state'], rewrittenAt };
  }
  return row.log_pending_since ? { state: 'pending', rewrittenAt } : null;
}
