import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { nameOf, recordGeneralAct, type Actor } from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import { announce } from '../database/listener.js';
import { isConnectionLoss } from '../database/postgres-errors.js';
import { discardExpired } from './discard.js';
import type { QuarantineFilter } from './filter.js';
import { toJob, type QuarantineJob, type QuarantineJobKind, type QuarantineJobRow } from './job.js';
import {
  findContent,
  findEvent,
  listEvents,
  summarise,
  type ListedEvent,
  type SummaryField,
  type SummaryGroup,
} from './listing.js';
import { CLAIM, runJob, type RunContext } from './run.js';

export interface QuarantineRequest {
  kind: QuarantineJobKind;
  filter: QuarantineFilter;
  requestedBy: Actor;
}

/** So often in a row a job may get no further, until it counts as failed. */
const MAX_ATTEMPTS = 10;
/** How long repetitions of an event are recognised, also of a quarantined one. */
const LEAST_RETENTION_DAYS = 30;

/** Quarantined events: lists, replays and discards them. */
export class QuarantineStore {
  constructor(private readonly database: Database) {}

  /** The latest come first; `after` is the id of the last event of the previous page. */
  async list(
    filter: QuarantineFilter,
    page: { after?: string | undefined; limit: number },
  ): Promise<ListedEvent[]> {
    return listEvents(this.database, filter, page);
  }

  async get(id: string): Promise<ListedEvent | null> {
    return findEvent(this.database, id);
  }

  /** What is kept of an event itself; null where nothing is. */
  async content(id: string): Promise<object | null> {
    return findContent(this.database, id);
  }

  /** How many there are, also of those without an installation; the largest groups first. */
  async summary(
    filter: QuarantineFilter,
    options: { by: readonly SummaryField[]; limit: number },
  ): Promise<SummaryGroup[]> {
    return summarise(this.database, filter, options);
  }

  /**
   * Requests a replay or a discard and records that, in one transaction. While an equal job is in progress, returns
   * that one.
   */
  async request(request: QuarantineRequest): Promise<{ job: QuarantineJob; isNew: boolean }> {
    const { kind, filter, requestedBy } = request;
    return this.database.transaction(async (client) => {
      // Two that ask the same at once must find each other.
      await client.query('LOCK TABLE quarantine_job IN SHARE ROW EXCLUSIVE MODE');
      const { rows: same } = await client.query<QuarantineJobRow>(
        `SELECT * FROM quarantine_job
          WHERE kind = $1 AND filter = $2::jsonb AND state IN ('requested', 'running')`,
        [kind, JSON.stringify(filter)],
      );
      if (same[0]) return { job: toJob(same[0]), isNew: false };
      const { rows } = await client.query<QuarantineJobRow>(
        `INSERT INTO quarantine_job (job_id, kind, filter, state, requested_at, requested_by)
         VALUES ($1, $2, $3, 'requested', now(), $4) RETURNING *`,
        [randomUUID(), kind, JSON.stringify(filter), nameOf(requestedBy)],
      );
      const job = toJob(rows[0] as QuarantineJobRow);
      await recordGeneralAct(client, {
        ...{ actor: requestedBy, act: `quarantine.${kind}`, outcome: 'done' },
        detail: { jobId: job.id, filter },
      });
      await announce(client, 'work');
      return { job, isNew: true };
    });
  }

  async job(jobId: string): Promise<QuarantineJob | null> {
    const { rows } = await this.database.query<QuarantineJobRow>(
      'SELECT * FROM quarantine_job WHERE job_id = $1',
      [jobId],
    );
    return rows[0] ? toJob(rows[0]) : null;
  }

  /** Newest first; `after` is the id of the last one of the page before. */
  async jobs({ after, limit }: { after?: string | undefined; limit: number }) {
    const { rows } = await this.database.query<QuarantineJobRow>(
      `SELECT * FROM quarantine_job
        WHERE $1::uuid IS NULL OR (requested_at, job_id) <
              (SELECT requested_at, job_id FROM quarantine_job WHERE job_id = $1)
        ORDER BY requested_at DESC, job_id DESC LIMIT $2`,
      [after, limit],
    );
    return rows.map(toJob);
  }

  /**
   * Claims the job that has waited longest and that no worker has claimed, and carries it out, as far as it gets
   * before it is stopped.
   * @returns its id when it is complete; null otherwise
   */
  async runNext(context: RunContext): Promise<string | null> {
    const { rows } = await this.database.query<{ job_id: string; state: string }>(
      `UPDATE quarantine_job
          SET attempts = attempts + 1, claimed_until = ${CLAIM},
              state = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN state ELSE 'failed' END
        WHERE job_id = (
              SELECT job_id FROM quarantine_job
               WHERE state IN ('requested', 'running')
                 AND (claimed_until IS NULL OR claimed_until < now())
               ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING job_id, state`,
    );
    const [claimed] = rows;
    if (!claimed || claimed.state === 'failed') return null;
    const { job_id: jobId } = claimed;
    try {
      const isComplete = await this.database.hold((client) => runJob(jobId, client, context), {
        name: 'quarantine jobs',
      });
      return isComplete ? jobId : null;
    } catch (error) {
      // A lost connection is no fault of the job's: the attempt does not count.
      const counts = isConnectionLoss(error) ? 0 : 1;
      await this.database.query(
        `UPDATE quarantine_job
            SET failure = $2, claimed_until = now() + interval '2 seconds', attempts = attempts - 1 + $3
          WHERE job_id = $1 AND state IN ('requested', 'running')`,
        [jobId, error instanceof pg.DatabaseError ? error.code : 'interrupted', counts],
      );
      throw error;
    }
  }

  /**
   * Removes events that were received longer ago, and what is kept of them, in parts.
   * @returns how many
   */
  async removeExpiredQuarantine(days: number): Promise<number> {
    if (days < LEAST_RETENTION_DAYS) {
      throw new RangeError(
        `Quarantined events are kept for ${LEAST_RETENTION_DAYS} days at least.`,
      );
    }
    return this.database.hold((client) => discardExpired(client, days));
  }
}
