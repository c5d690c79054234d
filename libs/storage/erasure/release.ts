import { recordAct } from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import type { InstallationHasher } from '../database/installation-hash.js';
import { isConnectionLoss } from '../database/postgres-errors.js';
import { leaveGroup, TRIES_TOGETHER, type Group } from './claim.js';
import { causeOf, codeOf } from './failure.js';

/** Failures of its own, two of them perhaps those of its group, after which an erasure is failed. */
const MAX_FAILURES = 10;
/** Doubles with each failure of an erasure that runs alone: ten attempts take about nine minutes. */
const PAUSE = `interval '2 seconds' * 2 ^ greatest(own_failures - ${TRIES_TOGETHER}, 0)`;

interface Released {
  id: string;
  isFailed: boolean;
}

/**
 * Releases the claim of a group whose attempt has failed; any worker may try again. An erasure that has failed
 * too often for reasons of its own becomes `failed`, with an audit entry in the same transaction.
 */
export async function releaseGroup(
  database: Database,
  group: Group,
  { error, hasher }: { error: unknown; hasher: InstallationHasher },
): Promise<void> {
  // Lost connections say nothing about the erasures, which run again together and immediately.
  if (isConnectionLoss(error)) return leaveGroup(database, group);
  const { token, erasures } = group;
  const failure = codeOf(error);
  await database.transaction(async (tx) => {
    const { rows } = await tx.query<Released>(RELEASE, [
      ...[erasures.map(({ id }) => id), token, failure],
      mostFailures(group, error),
    ]);
    const failed = new Set(rows.filter(({ isFailed }) => isFailed).map(({ id }) => id));
    for (const { id, mode, installationIds } of erasures.filter((it) => failed.has(it.id))) {
      await recordAct(tx, hasher, {
        ...{ actor: 'worker', act: 'erasure.fail', outcome: 'failed' },
        installationId: installationIds.length === 1 ? installationIds[0] : undefined,
        detail: { erasureId: id, mode, failure },
      });
    }
  });
}

/** Up to how many failures this one counts: only an erasure that ran alone is known to be the reason. */
function mostFailures({ erasures }: Group, error: unknown): number {
  const cause = causeOf(error);
  if (cause === 'dependency') return 0;
  return cause === 'erasure' && erasures.length === 1 ? MAX_FAILURES : TRIES_TOGETHER;
}

const RELEASE = `
  UPDATE erasure e
     SET failure = $3, claimed_by = NULL, claimed_until = now() + pause, own_failures = counted,
         state = CASE WHEN counted < ${MAX_FAILURES} THEN state ELSE 'failed' END
    FROM (SELECT erasure_id, ${PAUSE} AS pause,
                 greatest(own_failures, least(own_failures + 1, $4::int)) AS counted
            FROM erasure WHERE erasure_id = ANY ($1) AND claimed_by = $2
           ORDER BY erasure_id FOR NO KEY UPDATE) AS claimed
   WHERE e.erasure_id = claimed.erasure_id
  RETURNING e.erasure_id AS id, state = 'failed' AS "isFailed"`;

/** Resumes a failed erasure with the step that failed; it runs alone. @returns whether it had failed */
export const RETRY = `
  UPDATE erasure
     SET failure = NULL, claimed_until = NULL, own_failures = ${TRIES_TOGETHER},
         state = CASE WHEN suppressed_at IS NULL THEN 'requested'
                      WHEN mode = 'suppress' THEN 'suppressing'
                      WHEN erased_at IS NULL THEN 'erasing' ELSE 'verifying' END
   WHERE erasure_id = $1 AND state = 'failed'
  RETURNING *`;
