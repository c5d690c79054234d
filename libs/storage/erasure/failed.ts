import type pg from 'pg';
import { recordAudit } from '../database/audit-log.js';
import type { FailureCause } from '../database/failure.js';
import type { InstallationHasher } from '../database/installation-hash.js';
import { MAX_FAILURES, TRIES_TOGETHER } from '../database/work-tables.js';
import type { Group } from './claim.js';

/** Up to how many failures this one counts: only an erasure that ran alone is known to be the reason. */
export function mostFailures({ erasures }: Group, cause: FailureCause): number {
  if (cause === 'dependency') return 0;
  return cause === 'work' && erasures.length === 1 ? MAX_FAILURES : TRIES_TOGETHER;
}

/** Records that an erasure of a group has failed, in the transaction in which it becomes `failed`. */
export async function recordFailed(
  tx: pg.ClientBase,
  { erasures }: Group,
  { id, failure, hasher }: { id: string; failure: string; hasher: InstallationHasher },
): Promise<void> {
  const { mode, installationIds = [] } = erasures.find((erasure) => erasure.id === id) ?? {};
  await recordAudit(tx, hasher, {
    ...{ actor: 'worker', act: 'erasure.fail', outcome: 'failed' },
    installationId: installationIds.length === 1 ? installationIds[0] : undefined,
    detail: { erasureId: id, mode, failure },
  });
}
