import type { Queryable } from './queryable.js';
import { workTables } from './work-tables.js';

/** Work that waits in the database. */
export type WorkKind = 'erasures' | 'log rewrites' | 'quarantine jobs' | 'purges' | 'opt-outs';

/** Longer than ingest takes from the receipt of an event until the event is in the queue. */
export const PURGE_DELAY = "interval '30 seconds'";

const { erasures, quarantineJobs, purges } = workTables;

/** Claimed work is due when its claim expires: its worker may have died. */
const FREE_AT = 'coalesce(claimed_until, now())';

const DUE = `
  SELECT kind, extract(epoch FROM due_at - now())::float8 * 1000 AS "dueMs"
    FROM (SELECT 'erasures' AS kind, min(${FREE_AT}) AS due_at FROM erasure
           WHERE state IN (${erasures.open})
           UNION ALL
          SELECT 'log rewrites', now()
           WHERE EXISTS (SELECT FROM erasure WHERE log_pending_since IS NOT NULL)
           UNION ALL
          SELECT 'quarantine jobs', min(${FREE_AT}) FROM quarantine_job
           WHERE state IN (${quarantineJobs.open})
           UNION ALL
          SELECT 'purges', min(greatest(claimed_until, received_to + ${PURGE_DELAY})) FROM purge
           WHERE state IN (${purges.open})
           UNION ALL
          SELECT 'opt-outs', now() WHERE EXISTS (SELECT FROM opt_out_removal)) AS waiting
   WHERE due_at IS NOT NULL`;

/**
 * In how many milliseconds the first work of each kind is due, in one statement; a kind is missing where no work
 * waits. Due work may still have to wait for other work, so callers ask again after a while.
 */
export async function findDueWork(database: Queryable): Promise<ReadonlyMap<WorkKind, number>> {
  const { rows } = await database.query<{ kind: WorkKind; dueMs: number }>(DUE);
  return new Map(rows.map(({ kind, dueMs }) => [kind, dueMs]));
}
