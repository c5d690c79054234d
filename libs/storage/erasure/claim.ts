import pg from 'pg';
import type { Queryable } from '../database/database.js';
import { isConnectionLoss } from '../database/postgres-errors.js';
import { inTransaction } from '../database/transaction.js';
import { LedgerNotWritable } from '../ledger/ledger-file.js';
import type { ErasureMode } from '../ledger/erasure-mode.js';

/** Whoever works on erasures has them for so long, and renews that while it lives. */
const CLAIM = "interval '15 seconds'";
const RENEW_MS = 4000;
/** What has failed is tried again after so long. */
const PAUSE = "interval '2 seconds'";

/** The costly steps are the same for one erasure as for so many. */
const ERASURES_AT_ONCE = 1000;
const INSTALLATIONS_AT_ONCE = 10_000;
/** One that has failed, and was taken so often, is tried alone: it costs no other. */
const TRIES_TOGETHER = 3;

/** Erasures that one worker carries out together. */
export interface Group {
  /** Identifies the claim. A worker presumed dead loses it. */
  token: string;
  erasures: readonly GroupedErasure[];
  /** When its claim was last renewed by a step, on the clock of performance.now(). */
  renewedAt: number;
}

export interface GroupedErasure {
  id: string;
  mode: ErasureMode;
  installationIds: readonly string[];
  /**
   * Of these, only what was received until then (milliseconds since 1970) is removed, and nothing is
   * suppressed: an erasure that the database had forgotten, whose installation may report again.
   */
  receivedUntil: ReadonlyMap<string, number>;
  /** The steps that were done when it was claimed, by name. */
  stepsDone: ReadonlySet<string>;
}

/** The installations of a group with a limit of their own: see `GroupedErasure`. */
export function limitsOf({ erasures }: Group): ReadonlyMap<string, number> {
  return new Map(erasures.flatMap(({ receivedUntil }) => [...receivedUntil]));
}

/** What is to be done next with an erasure. */
export type Stage = 'suppress' | 'settle' | 'erase';

/**
 * Those that are asked for and not suppressed for sure; those with nothing to remove; those with. An
 * erasure waits for every earlier one about one of its installations, so that the latest has the last
 * word, and no row is counted twice.
 */
const IS_FIRST = `NOT EXISTS (
    SELECT FROM erasure_target t JOIN erasure_target o USING (installation_id)
      JOIN erasure earlier ON earlier.erasure_id = o.erasure_id
     WHERE t.erasure_id = e.erasure_id AND earlier.requested_at < e.requested_at)`;
const STAGES: Record<Stage, string> = {
  suppress: `e.mode <> 'lift' AND e.suppressed_at IS NULL`,
  settle: `(e.mode = 'lift' OR e.mode = 'suppress' AND e.suppressed_at IS NOT NULL) AND ${IS_FIRST}`,
  erase: `e.mode IN ('erase', 'erase_and_suppress') AND e.suppressed_at IS NOT NULL AND ${IS_FIRST}`,
};

/**
 * Claims the erasures that have waited longest at a stage and that no one else works on.
 * @param token identifies the claim; what was left under it, when a connection was lost, is claimed as well
 * @returns null where there are none
 */
export async function claimGroup(
  database: Queryable,
  stage: Stage,
  token: string,
): Promise<Group | null> {
  const { rows } = await database.query<{
    id: string;
    mode: ErasureMode;
    ids: string[];
    limits: Record<string, number> | null;
    steps_done: string[];
  }>(
    `WITH waiting AS (
       SELECT erasure_id, installations, requested_at, failure IS NOT NULL AND attempts >= ${TRIES_TOGETHER} AS is_suspect
         FROM erasure e
        WHERE state IN ('requested', 'suppressing', 'erasing', 'verifying')
          AND (claimed_until IS NULL OR claimed_until < now() OR claimed_by = $1)
          AND ${STAGES[stage]}
        ORDER BY requested_at LIMIT ${ERASURES_AT_ONCE} FOR UPDATE OF e SKIP LOCKED),
     counted AS (
       SELECT erasure_id, sum(installations) OVER w - installations AS before,
              row_number() OVER w = 1 OR NOT bool_or(is_suspect) OVER w AS is_taken
         FROM waiting WINDOW w AS (ORDER BY requested_at))
     UPDATE erasure e
        SET attempts = attempts + 1, claimed_by = $1, claimed_until = now() + ${CLAIM}
       FROM counted c WHERE e.erasure_id = c.erasure_id AND is_taken
        AND c.before < ${INSTALLATIONS_AT_ONCE}
     RETURNING e.erasure_id AS id, mode, steps_done,
               ARRAY(SELECT installation_id::text FROM erasure_target t
                      WHERE t.erasure_id = e.erasure_id ORDER BY 1) AS ids,
               (SELECT jsonb_object_agg(installation_id, extract(epoch FROM received_until) * 1000)
                  FROM erasure_target t
                 WHERE t.erasure_id = e.erasure_id AND received_until IS NOT NULL) AS limits`,
    [token],
  );
  if (rows.length === 0) return null;
  const erasures = rows.map(({ id, mode, ids, limits, steps_done }) => ({
    ...{ id, mode, installationIds: ids, stepsDone: new Set(steps_done) },
    receivedUntil: new Map(Object.entries(limits ?? {})),
  }));
  return {
    ...{ token, renewedAt: performance.now() },
    erasures: erasures.sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Renews a claim until it is told to stop, however long a step takes. */
export function keepClaim(database: Queryable, { token, erasures }: Group): () => void {
  const renew = () =>
    database.query(
      // What a step has locked is left out: nobody else can take it, and the step renews it itself.
      `UPDATE erasure SET claimed_until = now() + ${CLAIM}
        WHERE erasure_id IN (SELECT erasure_id FROM erasure
                              WHERE erasure_id = ANY ($1) AND claimed_by = $2
                              ORDER BY erasure_id FOR NO KEY UPDATE SKIP LOCKED)`,
      [erasures.map(({ id }) => id), token],
    );
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
  return () => clearInterval(timer);
}

/** Gives up what is not finished of a group, to be tried again by anybody. */
export async function releaseGroup(
  database: Queryable,
  group: Group,
  error: unknown,
): Promise<void> {
  const { token, erasures } = group;
  // A lost connection is no fault of theirs: they are taken again together, at once.
  if (isConnectionLoss(error)) return leaveGroup(database, group);
  const failure = failureOf(error);
  await database.query(
    `UPDATE erasure SET failure = $3, claimed_by = NULL, claimed_until = now() + ${PAUSE}
      WHERE erasure_id = ANY ($1) AND claimed_by = $2`,
    [erasures.map(({ id }) => id), token, failure],
  );
}

function failureOf(error: unknown): string | undefined {
  if (error instanceof LedgerNotWritable) return 'ledger_not_writable';
  return error instanceof pg.DatabaseError ? error.code : 'interrupted';
}

/** Leaves a group to another worker, at once. */
export async function leaveGroup(database: Queryable, { token, erasures }: Group): Promise<void> {
  await database.query(
    `UPDATE erasure SET claimed_by = NULL, claimed_until = NULL
      WHERE erasure_id = ANY ($1) AND claimed_by = $2`,
    [erasures.map(({ id }) => id), token],
  );
}

/**
 * Does a step in a transaction in which the erasures stay ours.
 * @throws where they are not any more
 */
export async function inStep<T>(
  client: pg.ClientBase,
  group: Group,
  work: (ids: readonly string[]) => Promise<T>,
): Promise<T> {
  const { token } = group;
  const ids = group.erasures.map(({ id }) => id);
  return inTransaction(client, async () => {
    const { rowCount } = await client.query(
      `SELECT FROM erasure WHERE erasure_id = ANY ($1) AND claimed_by = $2
        ORDER BY erasure_id FOR NO KEY UPDATE`,
      [ids, token],
    );
    if (rowCount !== ids.length) throw new Error('Another worker has taken the erasures.');
    const result = await work(ids);
    // Steps that follow each other closely leave no moment for anybody else to renew it.
    if (performance.now() > group.renewedAt + RENEW_MS) {
      group.renewedAt = performance.now();
      await client.query(
        `UPDATE erasure SET claimed_until = clock_timestamp() + ${CLAIM}
          WHERE erasure_id = ANY ($1) AND claimed_by = $2`,
        [ids, token],
      );
    }
    return result;
  });
}

/**
 * Does a step for those erasures of a group for which it is not done yet: they may have been interrupted at
 * different steps. That it is done is durable when this resolves.
 * @throws where another worker has claimed them
 */
export async function doOnce(
  client: pg.ClientBase,
  group: Group,
  step: string,
  work: (rest: Group) => Promise<void>,
): Promise<void> {
  const erasures = group.erasures.filter(({ stepsDone }) => !stepsDone.has(step));
  if (erasures.length === 0) return;
  await work({ ...group, erasures });
  const { rowCount } = await client.query(
    `UPDATE erasure SET steps_done = array_append(steps_done, $3)
      WHERE erasure_id = ANY ($1) AND claimed_by = $2`,
    [erasures.map(({ id }) => id), group.token, step],
  );
  if (rowCount !== erasures.length) throw new Error('Another worker has taken the erasures.');
}
