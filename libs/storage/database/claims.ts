import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Database } from './database.js';
import type { Queryable } from './queryable.js';
import { causeOf, ClaimLost, codeOf, type FailureCause } from './failure.js';
import { announce } from './listener.js';
import { isConnectionLoss } from './postgres-errors.js';
import { queryRecords } from './records.js';
import { keepRenewed } from './renewal.js';
import { inTransaction } from './transaction.js';
import { MAX_FAILURES, TRIES_TOGETHER, type WorkTable } from './work-tables.js';

/** Lifetime of a claim. A live worker renews it. */
export const CLAIM = "interval '15 seconds'";
const RENEW_MS = 4000;

/** Work that one worker has claimed. */
export interface Claim {
  table: WorkTable;
  ids: readonly string[];
  /** Identifies the claim. A worker presumed dead loses it. */
  token: string;
  /** When a step last renewed it, on the clock of performance.now(). */
  renewedAt: number;
}

/** Open work that no other worker has claimed; $1 is the claim's token. */
export const isFree = ({ open }: WorkTable) =>
  `state IN (${open}) AND (claimed_until IS NULL OR claimed_until < now() OR claimed_by = $1)`;

/** Tokens of claims whose run has ended: the next run claims again at once what was left under them. */
export class IdleTokens {
  readonly #tokens = new Map<string, string>();

  async lend<T>(kind: string, work: (token: string) => Promise<T>): Promise<T> {
    const token = this.#tokens.get(kind) ?? randomUUID();
    this.#tokens.delete(kind);
    try {
      return await work(token);
    } finally {
      this.#tokens.set(kind, token);
    }
  }
}

export function claimOf(table: WorkTable, ids: readonly string[], token: string): Claim {
  return { table, ids, token, renewedAt: performance.now() };
}

interface RunOptions {
  /** When it aborts, the worker leaves the rest to another. */
  stopping: AbortSignal | undefined;
  /** Up to how many failures an attempt with this cause counts. */
  mostFailures?: (cause: FailureCause) => number;
  /** Records in the audit log that work has failed, in the transaction in which it becomes `failed`. */
  recordFailed: (tx: pg.ClientBase, id: string, failure: string) => Promise<void>;
}

interface NextOptions<R, T> extends RunOptions {
  /** The select list of the record that `work` is given. */
  record: string;
  token: string;
  /** Which of the open work may begin. */
  condition?: string;
  work: (record: R, claim: Claim, signal: AbortSignal) => Promise<T>;
}

/**
 * Claims the work that has waited longest, and does it: see `runClaimed`. A worker that was killed may have been killed
 * by the work, so that counts as a failure as well.
 * @returns null if none is waiting
 */
export async function runNext<R extends { id: string }, T>(
  database: Database,
  table: WorkTable,
  { record, token, condition = 'true', work, ...options }: NextOptions<R, T>,
): Promise<T | null> {
  const { name, key, failures } = table;
  const [claimed] = await queryRecords<R & { claimed_failures: number }>(
    database,
    `UPDATE ${name} SET state = 'running', claimed_by = $1, claimed_until = now() + ${CLAIM},
            ${failures} = ${failures} + coalesce(claimed_by <> $1, false)::int
      WHERE ${key} = (SELECT ${key} FROM ${name} WHERE ${isFree(table)} AND ${condition}
                       ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING ${record}, ${failures} AS claimed_failures`,
    [token],
  );
  if (!claimed) return null;
  const claim = claimOf(table, [claimed.id], token);
  if (claimed.claimed_failures >= MAX_FAILURES) {
    await release(database, claim, { ...options, error: new Error('Its workers were killed.') });
    return null;
  }
  return runClaimed(database, claim, (signal) => work(claimed, claim, signal), options);
}

/**
 * Does claimed work, and renews the claim meanwhile. If it fails, any worker may try again after a pause, unless it has
 * failed too often although the database was available.
 * @param work is given a signal that aborts when the worker stops or has lost the claim
 */
export async function runClaimed<T>(
  database: Database,
  claim: Claim,
  work: (signal: AbortSignal) => Promise<T>,
  options: RunOptions,
): Promise<T> {
  const { stopping } = options;
  const renewal = keepRenewed(() => renew(database, claim), new ClaimLost());
  const signal = stopping ? AbortSignal.any([stopping, renewal.lost]) : renewal.lost;
  try {
    const result = await work(signal);
    if (signal.aborted) await leave(database, claim);
    return result;
  } catch (error) {
    // Lost connections say nothing about the work, which is done again immediately.
    if (stopping?.aborted || isConnectionLoss(error)) await leave(database, claim);
    else await release(database, claim, { ...options, error });
    throw error;
  } finally {
    renewal.stop();
  }
}

/** @returns whether it is still held. Skips what a step has locked: no other worker can take it. */
async function renew(database: Queryable, { table, ids, token }: Claim): Promise<boolean> {
  const { name, key } = table;
  const held = `SELECT ${key} FROM ${name} WHERE ${key} = ANY ($1) AND claimed_by = $2`;
  const { rows } = await database.query<{ held: number }>(
    `WITH renewed AS (
       UPDATE ${name} SET claimed_until = now() + ${CLAIM}
        WHERE ${key} IN (${held} ORDER BY ${key} FOR NO KEY UPDATE SKIP LOCKED))
     SELECT count(*)::int AS held FROM (${held}) AS h`,
    [ids, token],
  );
  return rows[0]?.held === ids.length;
}

/** Leaves work to any worker, immediately. */
async function leave(database: Queryable, { table, ids, token }: Claim): Promise<void> {
  const { name, key } = table;
  await database.query(
    `UPDATE ${name} SET claimed_by = NULL, claimed_until = NULL
      WHERE ${key} = ANY ($1) AND claimed_by = $2`,
    [ids, token],
  );
}

/** Doubles with each failure of work that runs alone: ten attempts take about nine minutes. */
const pauseAfter = (failures: string) =>
  `interval '2 seconds' * 2 ^ greatest(${failures} - ${TRIES_TOGETHER}, 0)`;

const mostOf = (cause: FailureCause) => (cause === 'dependency' ? 0 : MAX_FAILURES);

async function release(
  database: Database,
  { table, ids, token }: Claim,
  { error, mostFailures = mostOf, recordFailed }: RunOptions & { error: unknown },
): Promise<void> {
  const { name, key, failures } = table;
  const failure = codeOf(error);
  await database.transaction(async (tx) => {
    const { rows } = await tx.query<{ id: string; isFailed: boolean }>(
      `UPDATE ${name} w
          SET failure = $3, claimed_by = NULL, claimed_until = now() + pause, ${failures} = counted,
              state = CASE WHEN counted < ${MAX_FAILURES} THEN state ELSE 'failed' END
         FROM (SELECT ${key}, ${pauseAfter(failures)} AS pause,
                      greatest(${failures}, least(${failures} + 1, $4::int)) AS counted
                 FROM ${name} WHERE ${key} = ANY ($1) AND claimed_by = $2
                ORDER BY ${key} FOR NO KEY UPDATE) AS claimed
        WHERE w.${key} = claimed.${key}
       RETURNING w.${key} AS id, state = 'failed' AS "isFailed"`,
      [ids, token, failure, mostFailures(causeOf(error))],
    );
    for (const { id, isFailed } of rows) if (isFailed) await recordFailed(tx, id, failure);
  });
}

/**
 * Does a step in a transaction that holds the claim.
 * @throws ClaimLost if another worker has claimed some of the work
 */
export async function inStep<T>(
  client: pg.ClientBase,
  claim: Claim,
  work: (ids: readonly string[]) => Promise<T>,
): Promise<T> {
  const { table, ids, token } = claim;
  return inTransaction(client, async () => {
    const { rowCount } = await client.query(
      `SELECT FROM ${table.name} WHERE ${table.key} = ANY ($1) AND claimed_by = $2
        ORDER BY ${table.key} FOR NO KEY UPDATE`,
      [ids, token],
    );
    if (rowCount !== ids.length) throw new ClaimLost();
    const result = await work(ids);
    // Steps that follow each other closely leave no moment in which the claim could be renewed.
    if (performance.now() > claim.renewedAt + RENEW_MS) {
      claim.renewedAt = performance.now();
      await client.query(
        `UPDATE ${table.name} SET claimed_until = clock_timestamp() + ${CLAIM}
          WHERE ${table.key} = ANY ($1) AND claimed_by = $2`,
        [ids, token],
      );
    }
    return result;
  });
}

/** Notes that work is complete. @throws ClaimLost */
export async function completeClaim(
  client: Queryable,
  { table, ids, token }: Claim,
): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE ${table.name}
        SET state = 'complete', completed_at = now(), failure = NULL, claimed_by = NULL, claimed_until = NULL
      WHERE ${table.key} = ANY ($1) AND claimed_by = $2`,
    [ids, token],
  );
  if (rowCount !== ids.length) throw new ClaimLost();
}

/**
 * Resumes failed work where it stopped, and announces it.
 * @param record the select list of what it returns
 * @returns undefined if the work has not failed
 */
export async function retryFailed<R extends pg.QueryResultRow>(
  tx: pg.ClientBase,
  { name, key, retried }: WorkTable,
  record: string,
  id: string,
): Promise<R | undefined> {
  const [resumed] = await queryRecords<R>(
    tx,
    `UPDATE ${name} SET failure = NULL, claimed_by = NULL, claimed_until = NULL, ${retried}
      WHERE ${key} = $1 AND state = 'failed' RETURNING ${record}`,
    [id],
  );
  if (resumed) await announce(tx, 'work');
  return resumed;
}
