/** A table whose rows are work that workers claim. All have the columns claimed_by, claimed_until, state and failure. */
export interface WorkTable {
  name: string;
  key: string;
  /** The states of work that is not over. */
  open: string;
  /** The column that counts failures since the last progress. */
  failures: string;
  /** What a retry of failed work sets. */
  retried: string;
}

/** After this many failures an erasure runs alone, so that it delays no other. */
export const TRIES_TOGETHER = 2;
/** After this many failures in a row, outages not counted, work is `failed`. */
export const MAX_FAILURES = 10;

export const workTables = {
  erasures: {
    ...{ name: 'erasure', key: 'erasure_id', failures: 'own_failures' },
    open: `'requested', 'suppressing', 'erasing', 'verifying'`,
    retried: `own_failures = ${TRIES_TOGETHER},
      state = CASE WHEN suppressed_at IS NULL THEN 'requested'
                   WHEN mode = 'suppress' THEN 'suppressing'
                   WHEN erased_at IS NULL THEN 'erasing' ELSE 'verifying' END`,
  },
  quarantineJobs: {
    ...{ name: 'quarantine_job', key: 'job_id', failures: 'attempts' },
    open: `'requested', 'running'`,
    retried: `attempts = 0, state = 'requested'`,
  },
  purges: {
    ...{ name: 'purge', key: 'purge_id', failures: 'attempts' },
    open: `'requested', 'running'`,
    retried: `attempts = 0, state = 'requested'`,
  },
} satisfies Record<string, WorkTable>;
