/** What is done with an installation, as the field knows it. */
export const erasureModes = ['erase', 'erase_and_suppress', 'suppress', 'lift'] as const;
export type ErasureMode = (typeof erasureModes)[number];

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
    failure: row.failure,
  };
}
