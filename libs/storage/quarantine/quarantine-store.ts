import { randomUUID } from 'node:crypto';
import { nameOf, recordGeneralAudit, type Actor } from '../database/audit-log.js';
import { IdleTokens, retryFailed, runNext } from '../database/claims.js';
import type { Database } from '../database/database.js';
import { announce } from '../database/listener.js';
import { queryRecords } from '../database/records.js';
import { workTables } from '../database/work-tables.js';
import { discardExpired } from './discard.js';
import type { QuarantineFilter } from './filter.js';
import { JOB, type QuarantineJob, type QuarantineJobKind } from './job.js';
import {
  findContent,
  findEvent,
  listEvents,
  summarise,
  type ListedEvent,
  type SummaryField,
  type SummaryGroup,
} from './listing.js';
import { runJob, type RunContext } from './run.js';

export interface QuarantineRequest {
  kind: QuarantineJobKind;
  filter: QuarantineFilter;
  requestedBy: Actor;
}

/** How long repetitions of an event are recognised, also of a quarantined one. */
const LEAST_RETENTION_DAYS = 30;

/** Quarantined events: lists, replays and discards them. */
export class QuarantineStore {
  readonly #tokens = new IdleTokens();

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
      const [same] = await queryRecords<QuarantineJob>(
        client,
        `SELECT ${JOB} FROM quarantine_job
          WHERE kind = $1 AND filter = $2::jsonb AND state IN ('requested', 'running')`,
        [kind, JSON.stringify(filter)],
      );
      if (same) return { job: same, isNew: false };
      const [job] = (await queryRecords<QuarantineJob>(
        client,
        `INSERT INTO quarantine_job (job_id, kind, filter, state, requested_at, requested_by)
         VALUES ($1, $2, $3, 'requested', now(), $4) RETURNING ${JOB}`,
        [randomUUID(), kind, JSON.stringify(filter), nameOf(requestedBy)],
      )) as [QuarantineJob];
      await recordGeneralAudit(client, {
        ...{ actor: requestedBy, act: `quarantine.${kind}`, outcome: 'done' },
        detail: { jobId: job.id, filter },
      });
      await announce(client, 'work');
      return { job, isNew: true };
    });
  }

  async job(jobId: string): Promise<QuarantineJob | null> {
    const [job = null] = await queryRecords<QuarantineJob>(
      this.database,
      `SELECT ${JOB} FROM quarantine_job WHERE job_id = $1`,
      [jobId],
    );
    return job;
  }

  /** Newest first; `after` is the id of the last one of the page before. */
  async jobs({ after, limit }: { after?: string | undefined; limit: number }) {
    return queryRecords<QuarantineJob>(
      this.database,
      `SELECT ${JOB} FROM quarantine_job
        WHERE $1::uuid IS NULL OR (requested_at, job_id) <
              (SELECT requested_at, job_id FROM quarantine_job WHERE job_id = $1)
        ORDER BY requested_at DESC, job_id DESC LIMIT $2`,
      [after, limit],
    );
  }

  /**
   * Claims the job that has waited longest and that no worker has claimed, and carries it out, as far as it gets
   * before it is stopped. A job that made no progress in the last attempts becomes `failed`, with an audit entry.
   * @returns its id when it is complete; null otherwise
   */
  async runNext(context: RunContext): Promise<string | null> {
    return this.#tokens.lend('jobs', (token) =>
      runNext<QuarantineJob, string | null>(this.database, workTables.quarantineJobs, {
        ...{ record: JOB, token, stopping: context.signal },
        work: async ({ id }, claim, signal) => {
          const isComplete = await this.database.hold(
            (client) => runJob(claim, client, { ...context, signal }),
            { name: 'quarantine jobs' },
          );
          return isComplete ? id : null;
        },
        recordFailed: (tx, jobId, failure) =>
          recordGeneralAudit(tx, {
            ...{ actor: 'worker', act: 'quarantine.fail', outcome: 'failed' },
            detail: { jobId, failure },
          }),
      }),
    );
  }

  /** Resumes a failed job and records that, in one transaction. @returns null if it has not failed */
  async retry(jobId: string, actor: Actor): Promise<QuarantineJob | null> {
    return this.database.transaction(async (tx) => {
      const job = await retryFailed<QuarantineJob>(tx, workTables.quarantineJobs, JOB, jobId);
      if (!job) return null;
      const { kind, filter } = job;
      const detail = { jobId, kind, filter };
      await recordGeneralAudit(tx, { actor, act: 'quarantine.retry', outcome: 'done', detail });
      return job;
    });
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
