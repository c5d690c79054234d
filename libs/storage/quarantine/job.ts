import { fates, type Fate } from '#telemetry';
import { selectList } from '../database/records.js';
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

/** The column that counts a fate. */
export const countColumn = (fate: Fate) => (fate === 'quarantined' ? 'quarantined_again' : fate);
const camelCase = (name: string) =>
  name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
const COUNTS = Object.fromEntries(
  fates.map(countColumn).map((column) => [camelCase(column), column]),
) as Record<keyof Counts, string>;

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

export const JOB = selectList<QuarantineJob>({
  id: 'job_id',
  kind: 'kind',
  filter: 'filter',
  state: 'state',
  requestedAt: 'requested_at',
  requestedBy: 'requested_by',
  startedAt: 'started_at',
  completedAt: 'completed_at',
  total: 'total',
  done: 'done',
  ...COUNTS,
  failure: 'failure',
});
