import { fates, type Fate } from '#telemetry';
import type { QuarantineFilter } from './filter.js';

export const quarantineJobKinds = ['replay', 'discard'] as const;
export type QuarantineJobKind = (typeof quarantineJobKinds)[number];

export const quarantineJobStates = ['requested', 'running', 'complete', 'failed'] as const;
export type QuarantineJobState = (typeof quarantineJobStates)[number];

type CountName<F extends Fate> = F extends 'quarantined'
  ? 'quarantinedAgain'
  : F extends `${infer Head}_${infer Tail}`
    ? `${Head}${Capitalize<Tail>}`
    : F;

/** What the events of a replay are now. */
type Counts = { [F in Fate as CountName<F>]: number };
type CountColumn = Exclude<Fate, 'quarantined'> | 'quarantined_again';

/** The column that counts a fate. */
export const countColumn = (fate: Fate): CountColumn =>
  fate === 'quarantined' ? 'quarantined_again' : fate;
const camelCase = (name: string) =>
  name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** A replay or discard as an administrator sees it. No id of an installation is in it. */
export interface QuarantineJob extends Counts {
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

export interface QuarantineJobRow extends Record<CountColumn, number> {
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
    ...countsOf(row),
    failure: row.failure,
  };
}

function countsOf(row: QuarantineJobRow): Counts {
  const columns = fates.map(countColumn);
  return Object.fromEntries(columns.map((column) => [camelCase(column), row[column]])) as Counts;
}
