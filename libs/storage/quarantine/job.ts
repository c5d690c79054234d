import type { QuarantineFilter } from './filter.js';
import type { ReplayCounts } from '../write/replay.js';

export const quarantineJobKinds = ['replay', 'discard'] as const;
export type QuarantineJobKind = (typeof quarantineJobKinds)[number];

export const quarantineJobStates = ['requested', 'running', 'complete', 'failed'] as const;
export type QuarantineJobState = (typeof quarantineJobStates)[number];

/** A replay or discard as an administrator sees it. No id of an installation is in it. */
export interface QuarantineJob extends ReplayCounts {
  id: string;
  kind: QuarantineJobKind;
  filter: QuarantineFilter;
  state: QuarantineJobState;
  requestedAt: string;
  /** Who asked for it. */
  requestedBy: string;
  startedAt: string | null;
  completedAt: string | null;
  /** How many events it is about; null until it has started. */
  total: number | null;
  /** Events that it has replayed or discarded. Others may have taken some before it came to them. */
  done: number;
  /** Why the last attempt failed; null where none has since it got on. */
  failure: string | null;
}

export interface QuarantineJobRow {
  /** The token of its claim. */
  claimed_by: string | null;
  job_id: string;
  kind: QuarantineJobKind;
  filter: QuarantineFilter;
  state: QuarantineJobState;
  requested_at: Date;
  requested_by: string;
  started_at: Date | null;
  completed_at: Date | null;
  last_id: string;
  up_to_id: string | null;
  total: number | null;
  done: number;
  stored: number;
  quarantined_again: number;
  duplicate: number;
  suppressed: number;
  empty: number;
  blocked: number;
  opted_out: number;
  failure: string | null;
}

export function toJob(row: QuarantineJobRow): QuarantineJob {
  return {
    id: row.job_id,
    kind: row.kind,
    filter: row.filter,
    state: row.state,
    requestedAt: row.requested_at.toISOString(),
    requestedBy: row.requested_by,
    startedAt: row.started_at?.toISOString() ?? null,
    completedAt: row.completed_at?.toISOString() ?? null,
    total: row.total,
    done: row.done,
    stored: row.stored,
    quarantinedAgain: row.quarantined_again,
    duplicate: row.duplicate,
    suppressed: row.suppressed,
    empty: row.empty,
    blocked: row.blocked,
    optedOut: row.opted_out,
    failure: row.failure,
  };
}
