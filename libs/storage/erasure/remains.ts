/** Data of erased installations in places that an erasure does not reach, and for how long it remains. */
export interface Remains {
  dataFiles: string;
  plannerStatistics: string;
  writeAheadLog: string;
  replicas: string;
  backups: string;
  redis: string;
  redisSnapshots: string;
  logs: string;
  digests: string;
}

/** @param backupDays how long backups are kept; undefined if not configured */
export function whatRemains(backupDays: number | undefined): Remains {
  return {
    dataFiles:
      "Postgres' data files hold the removed rows, which no statement can read, until vacuum frees their space and other rows overwrite it.",
    plannerStatistics:
      "Postgres' planner statistics no longer hold the installation ids, except in a column whose table another process held during the erasure: there until the table is analysed next.",
    writeAheadLog:
      "Postgres' write-ahead log holds the removed rows until Postgres recycles it, usually after two checkpoints; an archive of it is a backup.",
    replicas: 'Replicas of Postgres and Redis remove the same as soon as they have caught up.',
    backups:
      backupDays === undefined
        ? 'Backups made before the erasure hold the removed rows as long as they are kept; the operator has not stated for how long. A restored one is erased again from the ledger.'
        : `Backups made before the erasure hold the removed rows for up to ${backupDays} days. A restored one is erased again from the ledger.`,
    redis:
      "Redis' append-only file holds removed events until it is rewritten: see redisAppendOnlyFile. What a suppressed installation sends later is in that file until the next rewrite.",
    redisSnapshots:
      "Redis' snapshot file (RDB), if Redis has save points, holds removed events until the next snapshot replaces it.",
    logs: 'Logs hold nothing of an installation.',
    digests:
      'The suppression, the audit log and the ledger know the installations by a keyed hash, for ever.',
  };
}
