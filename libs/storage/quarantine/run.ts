import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { fates, type KeptEvent, type ReplayedEvent } from '#telemetry';
import { CLAIM, completeClaim, inStep, type Claim } from '../database/claims.js';
import { ClaimLost } from '../database/failure.js';
import { inTransaction } from '../database/transaction.js';
import { copyKey } from '../write/deduplicate.js';
import type { TelemetryStore } from '../write/telemetry-store.js';
import { discardSome } from './discard.js';
import { conditionOf, type QuarantineFilter } from './filter.js';
import { countColumn, type QuarantineJobKind } from './job.js';
import type { Replayed, ReplayCounts } from '../write/replay.js';

/** Events in one transaction: some hundred milliseconds, and at most 32 MB of what is kept. */
const EVENTS_AT_ONCE = 500;
const DISCARDED_AT_ONCE = 5000;
const LOCKED_POLL_MS = 200;

export interface RunContext {
  /** Reads an event again from what was kept of it. */
  normalise: (kept: KeptEvent, eventKey: string) => ReplayedEvent;
  /** The write path. */
  store: TelemetryStore;
  /** Ends the work after the current page; another worker continues. */
  signal: AbortSignal;
}

const NOTHING = Object.fromEntries(fates.map((fate) => [fate, 0])) as ReplayCounts;

/**
 * Resumes a job and carries it out page by page. The transaction of each page records the progress, so another worker
 * can resume the job of a killed one.
 * @returns whether the job is complete
 */
export async function runJob(
  claim: Claim,
  client: pg.ClientBase,
  context: RunContext,
): Promise<boolean> {
  await start(client, claim);
  while (!context.signal.aborted) {
    const job = await read(client, claim);
    const isOver =
      job.kind === 'replay'
        ? await replayNext(client, job, context)
        : await discardNext(client, claim, job);
    if (isOver) {
      await completeClaim(client, claim);
      return true;
    }
  }
  return false;
}

/** Fixes the last event of the job: events that are quarantined later, also by the job itself, are not part of it. */
async function start(client: pg.ClientBase, claim: Claim): Promise<void> {
  const { job_id, up_to_id, filter } = await read(client, claim);
  if (up_to_id !== null) return;
  const values: unknown[] = [job_id];
  await client.query(
    `WITH matching AS (
       SELECT max(quarantine_id) AS last, count(*) AS total FROM quarantined_event
        WHERE ${conditionOf(filter, values)})
     UPDATE quarantine_job
        SET started_at = now(), up_to_id = coalesce(m.last, 0), total = m.total
       FROM matching m WHERE job_id = $1 AND up_to_id IS NULL`,
    values,
  );
}

interface JobRow {
  job_id: string;
  kind: QuarantineJobKind;
  filter: QuarantineFilter;
  last_id: string;
  up_to_id: string | null;
  claimed_by: string;
}

/** @throws ClaimLost */
async function read(client: pg.ClientBase, { ids, token }: Claim): Promise<JobRow> {
  const { rows } = await client.query<JobRow>(
    'SELECT * FROM quarantine_job WHERE job_id = ANY ($1) AND claimed_by = $2',
    [ids, token],
  );
  if (!rows[0]) throw new ClaimLost();
  return rows[0];
}

/** @returns whether there was nothing left */
async function replayNext(
  client: pg.ClientBase,
  job: JobRow,
  { normalise, store }: RunContext,
): Promise<boolean> {
  const rows = withoutCopies(await readKept(client, job));
  const lastId = rows.at(-1)?.quarantine_id;
  if (lastId === undefined) return true;
  const events = rows.flatMap(({ envelope, ...row }): Replayed[] => {
    if (!envelope) return []; // nothing was kept of it
    const { quarantine_id: quarantineId, installation_id: installationId, event_key } = row;
    return [{ quarantineId, installationId, event: normalise(envelope, event_key) }];
  });
  await store.replay({ events, note: (tx, counts) => advance(tx, job, lastId, counts) });
  return false;
}

interface KeptRow {
  quarantine_id: string;
  installation_id: string;
  event_key: string;
  envelope: KeptEvent | null;
}

/** Without statistics the planner would read and sort all remaining events for each page. */
const BY_INDEX =
  'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off';

async function readKept(client: pg.ClientBase, job: JobRow): Promise<KeptRow[]> {
  return inTransaction(client, async () => {
    await client.query(BY_INDEX);
    return readPage(client, job);
  });
}

async function readPage(client: pg.ClientBase, job: JobRow): Promise<KeptRow[]> {
  const values: unknown[] = [job.last_id, job.up_to_id, EVENTS_AT_ONCE];
  const { rows } = await client.query<KeptRow>(
    `SELECT quarantine_id, installation_id, event_key, envelope
       FROM (SELECT * FROM quarantined_event
              WHERE quarantine_id > $1 AND quarantine_id <= $2 AND ${conditionOf(job.filter, values)}
              ORDER BY quarantine_id LIMIT $3) AS q
       LEFT JOIN LATERAL (
            SELECT envelope FROM original_event o
             WHERE o.installation_id = q.installation_id AND o.event_key = q.event_key
               AND o.received_at = q.received_at
            OFFSET 0) AS kept ON true
      ORDER BY quarantine_id`,
    values,
  );
  return rows;
}

/** Two events with one key that are no copies, for they came months apart, go into two pages. */
function withoutCopies(rows: readonly KeptRow[]): readonly KeptRow[] {
  const keys = new Set<string>();
  const copy = rows.findIndex((row) => {
    const key = copyKey({ installationId: row.installation_id, eventKey: row.event_key });
    return keys.has(key) || !keys.add(key);
  });
  return copy === -1 ? rows : rows.slice(0, copy);
}

/** @returns whether there was nothing left */
async function discardNext(client: pg.ClientBase, claim: Claim, job: JobRow): Promise<boolean> {
  const values: unknown[] = [job.last_id, job.up_to_id];
  const condition = `quarantine_id > $1 AND quarantine_id <= $2 AND ${conditionOf(job.filter, values)}`;
  const isOver = await inStep(client, claim, async () => {
    const { count, lastId } = await discardSome(client, condition, values, DISCARDED_AT_ONCE);
    if (lastId !== null) await advance(client, job, lastId, NOTHING, count);
    return lastId === null;
  });
  return isOver && !(await beginAgain(client, job));
}

/** Starts again if events were skipped because another transaction had locked them. */
async function beginAgain(client: pg.ClientBase, job: JobRow): Promise<boolean> {
  const values: unknown[] = [job.job_id, job.up_to_id];
  const { rowCount } = await client.query(
    `UPDATE quarantine_job SET last_id = 0
      WHERE job_id = $1 AND EXISTS (SELECT FROM quarantined_event
            WHERE quarantine_id <= $2 AND ${conditionOf(job.filter, values)})`,
    values,
  );
  if (rowCount === 0) return false;
  await sleep(LOCKED_POLL_MS);
  return true;
}

const ADD_COUNTS = fates
  .map(countColumn)
  .map((column, at) => `${column} = ${column} + $${at + 5}`)
  .join(', ');

/** Notes how far a job is. @throws ClaimLost */
async function advance(
  tx: pg.ClientBase,
  { job_id, last_id, claimed_by }: JobRow,
  lastId: string,
  counts: ReplayCounts,
  discarded = 0,
): Promise<void> {
  const done = fates.reduce((sum, fate) => sum + counts[fate], discarded);
  const { rowCount } = await tx.query(
    `UPDATE quarantine_job
        SET last_id = $3, done = done + $4, ${ADD_COUNTS},
            attempts = 0, failure = NULL, claimed_until = now() + ${CLAIM}
      WHERE job_id = $1 AND last_id = $2 AND claimed_by = $${fates.length + 5}`,
    [job_id, last_id, lastId, done, ...fates.map((fate) => counts[fate]), claimed_by],
  );
  if (rowCount === 0) throw new ClaimLost();
}
