import type pg from 'pg';
import type { Queryable } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import type { ErasureMode } from '../ledger/erasure-mode.js';
import { ClaimLost } from './failure.js';

/** Lifetime of a claim. A live worker renews it. */
const CLAIM = "interval '15 seconds'";
const RENEW_MS = 4000;

/** The costly steps take as long for one erasure as for this many. */
const ERASURES_AT_ONCE = 1000;
const INSTALLATIONS_AT_ONCE = 10_000;
/** After this many failures an erasure runs alone, so that it delays no other. */
export const TRIES_TOGETHER = 2;

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

/** The next thing to do with an erasure. */
export type Stage = 'suppress' | 'settle' | 'erase';

/**
 * Erasures whose suppression is not confirmed; those with nothing to remove; those with. An erasure waits for
 * every earlier one about one of its installations, unless that has failed: so the latest has the last word, and
 * no row is counted twice.
 */
const IS_FIRST = `NOT EXISTS (
    SELECT FROM erasure_target t JOIN erasure_target o USING (installation_id)
      JOIN erasure earlier ON earlier.erasure_id = o.erasure_id
     WHERE t.erasure_id = e.erasure_id AND earlier.requested_at < e.requested_at
       AND earlier.state <> 'failed')`;
const STAGES: Record<Stage, string> = {
  suppress: `e.mode <> 'lift' AND e.suppressed_at IS NULL`,
  settle: `(e.mode = 'lift' OR e.mode = 'suppress' AND e.suppressed_at IS NOT NULL) AND ${IS_FIRST}`,
  erase: `e.mode IN ('erase', 'erase_and_suppress') AND e.suppressed_at IS NOT NULL AND ${IS_FIRST}`,
};

/**
 * Claims the erasures that have waited longest at a stage and that no other worker has claimed.
 * @param token identifies the claim; also claims what was left under it when a connection was lost
 * @returns null if no erasure is waiting
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
       SELECT erasure_id, installations, requested_at, own_failures >= ${TRIES_TOGETHER} AS is_suspect
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

/** Renews a claim, however long a step takes. @returns a function that stops that */
export function keepClaim(database: Queryable, { token, erasures }: Group): () => void {
  const renew = () =>
    database.query(
      // Skips what a step has locked: no other worker can take it, and the step renews it itself.
      `UPDATE erasure SET claimed_until = now() + ${CLAIM}
        WHERE erasure_id IN (SELECT erasure_id FROM erasure
                              WHERE erasure_id = ANY ($1) AND claimed_by = $2
                              ORDER BY erasure_id FOR NO KEY UPDATE SKIP LOCKED)`,
      [erasures.map(({ id }) => id), token],
    );
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
  return () => clearInterval(timer);
}

/** Leaves a group to any worker, immediately. */
export async function leaveGroup(database: Queryable, { token, erasures }: Group): Promise<void> {
  await database.query(
    `UPDATE erasure SET claimed_by = NULL, claimed_until = NULL
      WHERE erasure_id = ANY ($1) AND claimed_by = $2`,
    [erasures.map(({ id }) => id), token],
  );
}

/**
 * Does a step in a transaction that holds the claim.
 * @throws ClaimLost if another worker has claimed an erasure of the group
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
    if (rowCount !== ids.length) throw new ClaimLost();
    const result = await work(ids);
    // Steps that follow each other closely leave no moment in which `keepClaim` could renew it.
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
 * different steps. When this resolves, it is durable that the step is done.
 * @throws ClaimLost if another worker has claimed an erasure of the group
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
  if (rowCount !== erasures.length) throw new ClaimLost();
}
