import type pg from 'pg';
import { CLAIM, claimOf, isFree, type Claim } from '../database/claims.js';
import type { Queryable } from '../database/queryable.js';
import { ClaimLost } from '../database/failure.js';
import { TRIES_TOGETHER, workTables } from '../database/work-tables.js';
import type { ErasureMode } from '../ledger/erasure-mode.js';

/** The costly steps take as long for one erasure as for this many. */
const ERASURES_AT_ONCE = 1000;
const INSTALLATIONS_AT_ONCE = 10_000;

/** Erasures that one worker carries out together. */
export interface Group extends Claim {
  erasures: readonly GroupedErasure[];
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
  }>(claimStatement(stage), [token]);
  if (rows.length === 0) return null;
  const erasures = rows.map(({ id, mode, ids, limits, steps_done }) => ({
    ...{ id, mode, installationIds: ids, stepsDone: new Set(steps_done) },
    receivedUntil: new Map(Object.entries(limits ?? {})),
  }));
  return groupOf(
    erasures.sort((a, b) => (a.id < b.id ? -1 : 1)),
    token,
  );
}

const claimStatement = (stage: Stage) => `WITH waiting AS (
   SELECT erasure_id, installations, requested_at, own_failures >= ${TRIES_TOGETHER} AS is_suspect
     FROM erasure e
    WHERE ${isFree(workTables.erasures)} AND ${STAGES[stage]}
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
             WHERE t.erasure_id = e.erasure_id AND received_until IS NOT NULL) AS limits`;

function groupOf(erasures: readonly GroupedErasure[], token: string): Group {
  const ids = erasures.map(({ id }) => id);
  return { ...claimOf(workTables.erasures, ids, token), erasures };
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
  await work(groupOf(erasures, group.token));
  const { rowCount } = await client.query(
    `UPDATE erasure SET steps_done = array_append(steps_done, $3)
      WHERE erasure_id = ANY ($1) AND claimed_by = $2`,
    [erasures.map(({ id }) => id), group.token, step],
  );
  if (rowCount !== erasures.length) throw new ClaimLost();
}
