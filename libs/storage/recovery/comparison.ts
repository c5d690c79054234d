import type pg from 'pg';
import { recordGeneralAudit, type Actor } from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import { lockRequests } from '../erasure/request.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import type { LedgerEntry, LedgerPlace, LedgerRecord } from '../ledger/entry.js';
import { findInstallations } from './find-installations.js';
import { decidingErasures, type RememberedErasure } from '../ledger/remembered-erasures.js';
import {
  findLifted,
  suppressAgain,
  unsuppressAgain,
  type Decision,
} from './reapply-suppressions.js';
import { eraseReappeared, restoreErasures } from './restore-erasures.js';
import { takeUnrecorded } from '../ledger/unrecorded.js';

/** What the database lacked, compared to the ledger. */
export interface Forgotten {
  /** Ids of unknown erasures. */
  erasures: string[];
  /** Installations that should have been suppressed. */
  suppressions: number;
  /** Installations whose suppression should have ended. */
  lifts: number;
  /** Installations with rows although they were erased and suppressed. */
  reappeared: number;
}

export interface ComparisonOptions {
  /** Also checks erasures that the database knows, for missing suppressions and reappeared rows. */
  isThorough: boolean;
  /** Changes nothing. */
  isDryRun: boolean;
}

export interface LedgerComparisonOptions {
  database: Database;
  suppressionKey: string;
  /** For the audit log: the administrator who requested the comparison; by default a worker. */
  actor?: Actor;
}

class DryRun extends Error {
  override readonly name = 'DryRun';
}

/** Compares a database with the ledger, and reapplies erasures and suppressions that the database lacks. */
export class LedgerComparison {
  private readonly database: Database;
  private readonly hasher: InstallationHasher;
  private readonly actor: Actor;

  constructor({ database, suppressionKey, actor = 'ledger' }: LedgerComparisonOptions) {
    this.database = database;
    this.actor = actor;
    this.hasher = new InstallationHasher(suppressionKey);
  }

  /** The entry up to which the database knows all erasures. */
  async place(): Promise<LedgerPlace> {
    const { rows } = await this.database.query<{ sequence: string; hash: string }>(
      'SELECT sequence, hash FROM ledger_place',
    );
    return { sequence: Number(rows[0]?.sequence ?? 0), hash: rows[0]?.hash ?? '' };
  }

  /**
   * Records that the database knows all erasures up to a place.
   * @throws if it does not know one of them: it was replaced by a lagging replica in the meantime
   */
  async moveTo(
    { sequence, hash }: LedgerPlace,
    erasures: readonly RememberedErasure[],
  ): Promise<void> {
    const { rowCount } = await this.database.query(
      `UPDATE ledger_place SET sequence = $1, hash = $2
        WHERE NOT EXISTS (SELECT FROM unnest($3::uuid[]) AS id
                           WHERE NOT EXISTS (SELECT FROM erasure WHERE erasure_id = id))`,
      [sequence, hash, erasures.map(({ erasureId }) => erasureId)],
    );
    if (rowCount === 0) throw new Error('The database lost erasures while it was compared.');
  }

  /**
   * Reapplies what the database lacks. Suppressions are in force when this resolves; erasures are requested under their
   * former ids, and workers carry them out.
   */
  async apply(
    remembered: readonly RememberedErasure[],
    options: ComparisonOptions,
  ): Promise<Forgotten> {
    const unknown = await this.#findUnknown(remembered);
    const none = { erasures: [], suppressions: 0, lifts: 0, reappeared: 0 };
    if (unknown.length === 0 && !options.isThorough) return none;
    const decisions = chooseDecisions(remembered, unknown, options);
    const changes = await this.#inDryRun(options.isDryRun, async (tx) => {
      await lockRequests(tx);
      return this.#repairSuppressions(tx, decisions);
    });
    // Transactions that did not see the suppressions yet must end first, so that their rows are found below.
    if (!options.isDryRun) await this.database.hold(waitForWriters);
    const reappeared = await this.#restore(remembered, unknown, { ...options, decisions });
    return { ...changes, reappeared, erasures: unknown.map(({ erasureId }) => erasureId) };
  }

  /** Records completed erasures without an entry. `record` appends them and returns their places. @returns how many */
  async recordUnrecorded(
    record: (records: readonly LedgerRecord[]) => Promise<LedgerPlace[]>,
  ): Promise<number> {
    for (let recorded = 0; ;) {
      const count = await this.database.transaction((tx) => takeUnrecorded(tx, record));
      if (count === 0) return recorded;
      recorded += count;
    }
  }

  /** Marks erasures that the ledger has lost as unrecorded, so that they are recorded again. */
  async acceptLoss(entries: readonly LedgerEntry[]): Promise<void> {
    await this.database.query(
      `UPDATE erasure SET ledger = NULL
        WHERE ledger IS NOT NULL AND erasure_id <> ALL ($1::uuid[])`,
      [entries.map(({ erasureId }) => erasureId)],
    );
  }

  async #findUnknown(remembered: readonly RememberedErasure[]): Promise<RememberedErasure[]> {
    const { rows } = await this.database.query<{ id: string }>(
      `SELECT id FROM unnest($1::uuid[]) AS id
        WHERE NOT EXISTS (SELECT FROM erasure WHERE erasure_id = id)`,
      [remembered.map(({ erasureId }) => erasureId)],
    );
    const ids = new Set(rows.map(({ id }) => id));
    return remembered.filter(({ erasureId }) => ids.has(erasureId));
  }

  async #repairSuppressions(
    tx: pg.ClientBase,
    decisions: readonly ChosenDecision[],
  ): Promise<Pick<Forgotten, 'suppressions' | 'lifts'>> {
    const of = (isLift: boolean) => decisions.filter((decision) => decision.isLift === isLift);
    const detail = {
      suppressions: await suppressAgain(tx, of(false)),
      lifts: await unsuppressAgain(tx, of(true)),
    };
    if (detail.suppressions + detail.lifts > 0) {
      const act = { actor: this.actor, act: 'suppression.reapply', detail } as const;
      await recordGeneralAudit(tx, { ...act, outcome: 'done' });
    }
    return detail;
  }

  async #restore(
    remembered: readonly RememberedErasure[],
    unknown: readonly RememberedErasure[],
    options: ComparisonOptions & { decisions: readonly ChosenDecision[] },
  ): Promise<number> {
    const { isThorough, isDryRun } = options;
    const { hasher, actor } = this;
    const deciding = decidingErasures(remembered);
    const forgotten = new Set(unknown);
    const suppressedDigests = [...deciding].flatMap(([digest, erasure]) =>
      isThorough && erasure.mode === 'erase_and_suppress' && !forgotten.has(erasure)
        ? [digest]
        : [],
    );
    const digests = new Set([
      ...unknown.flatMap(({ installations }) => installations),
      ...suppressedDigests,
    ]);
    // Before the lock, because it takes seconds. Events stored meanwhile were received after the erasures.
    const found = await this.database.hold((client) => findInstallations(client, hasher, digests));
    return this.#inDryRun(isDryRun, async (tx) => {
      await lockRequests(tx);
      // Together with the erasures, in case the database was replaced by a lagging replica in the meantime.
      if (!isDryRun) await this.#repairSuppressions(tx, options.decisions);
      const lifted = await findLifted(tx, decisionsOf(deciding, found.keys()));
      await restoreErasures(tx, unknown, { deciding, lifted, found, hasher, actor });
      const ids = suppressedDigests.flatMap((digest) =>
        lifted.has(digest) ? [] : (found.get(digest) ?? []),
      );
      return eraseReappeared(tx, ids, { hasher, actor });
    });
  }

  async #inDryRun<T>(isDryRun: boolean, work: (tx: pg.ClientBase) => Promise<T>): Promise<T> {
    let result: T | undefined;
    try {
      return await this.database.transaction(async (tx) => {
        result = await work(tx);
        if (isDryRun) throw new DryRun();
        return result;
      });
    } catch (error) {
      if (error instanceof DryRun) return result as T;
      throw error;
    }
  }
}

interface ChosenDecision extends Decision {
  isLift: boolean;
}

/** The decisions to apply: those of unknown erasures, and with `isThorough` all suppressions. */
function chooseDecisions(
  remembered: readonly RememberedErasure[],
  unknown: readonly RememberedErasure[],
  { isThorough }: ComparisonOptions,
): ChosenDecision[] {
  const forgotten = new Set(unknown);
  const deciding = decidingErasures(remembered);
  const isChosen = (erasure: RememberedErasure) =>
    forgotten.has(erasure) || (isThorough && erasure.mode !== 'lift');
  const chosen = [...deciding].filter(([, erasure]) => isChosen(erasure));
  return decisionsOf(
    deciding,
    chosen.map(([digest]) => digest),
  );
}

function decisionsOf(
  deciding: ReadonlyMap<string, RememberedErasure>,
  digests: Iterable<string>,
): ChosenDecision[] {
  return [...digests].flatMap((digest) => {
    const erasure = deciding.get(digest);
    if (!erasure) return [];
    const { requestedAt, mode } = erasure;
    return [{ hash: Buffer.from(digest, 'base64url'), requestedAt, isLift: mode === 'lift' }];
  });
}
