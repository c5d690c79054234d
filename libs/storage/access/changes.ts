import type pg from 'pg';
import type { Database } from '../database/database.js';
import { recordAudit, type AuditEntry, type Actor } from '../database/audit-log.js';
import { announce } from '../database/listener.js';
import type { InstallationHasher } from '../database/installation-hash.js';

/** What a change comes to: its result, and what the audit log says of it. */
export interface Changed<T> {
  result: T;
  /** Null where everything was so already: then nothing is raised and nothing recorded. */
  act: Pick<AuditEntry, 'act' | 'detail'> | null;
}

/** Changes what holds, one change at a time. */
export class PolicyChanges {
  constructor(
    readonly database: Database,
    private readonly hasher: InstallationHasher,
  ) {}

  /**
   * Does a change, raises the revision and records it, in one transaction. The row of the revision is
   * locked first, so that changes come one after the other: what `work` reads stays true.
   */
  async make<T>(actor: Actor, work: (tx: pg.ClientBase) => Promise<Changed<T>>): Promise<T> {
    return this.database.transaction(async (tx) => {
      await tx.query('SELECT FROM policy_revision FOR UPDATE');
      const { result, act } = await work(tx);
      if (act) {
        await tx.query('UPDATE policy_revision SET revision = revision + 1');
        await recordAudit(tx, this.hasher, { actor, outcome: 'done', ...act });
        await announce(tx, 'policy');
      }
      return result;
    });
  }
}
