import type pg from 'pg';
import { recordGeneralAct, type Actor } from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import { lockRequests } from '../erasure/request.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import type { LedgerEntry, LedgerPlace, LedgerRecord } from '../ledger/entry.js';
import { findInstallations } from './find-installations.js';
import { lastWords, type RememberedErasure } from '../ledger/last-words.js';
import { suppressAgain, unsuppressAgain, type Word } from './reapply-suppressions.js';
import { eraseReappeared, restoreErasures } from './restore-erasures.js';
import { takeUnrecorded } from '../ledger/unrecorded.js';

/** What the database had forgotten of the ledger. */
export interface Forgotten {
  /** Erasures that it does not know. */
  erasures: string[];
  /** Installations that were not suppressed, although the ledger says so. */
  suppressions: number;
  /** Installations that were suppressed, although the ledger says that it was lifted. */
  lifts: number;
  /** Installations that the ledger says are erased and suppressed, and that have rows. */
  reappeared: number;
}

/** How much is looked at, and whether it is mended. */
export interface ComparisonOptions {
  /** Also what the database knows: suppressions that are missing, and rows that have come back. */
  isThorough: boolean;
  /** Changes nothing. */
  isDryRun: boolean;
}

export interface LedgerComparisonOptions {
  database: Database;
  suppressionKey: string;
  /** In the audit log: the administrator who asked for the comparison, or a worker's own. */
  actor?: Actor;
}

class DryRun extends Error {}

/** Compares a database with what the ledger says, and applies again what the database has forgotten. */
export class LedgerComparison {
  private readonly database: Database;
  private readonly hasher: InstallationHasher;
  private readonly actor: Actor;

  constructor({ database, suppressionKey, actor = 'ledger' }: LedgerComparisonOptions) {
    this.database = database;
    this.actor = actor;
    this.hasher = new InstallationHasher(suppressionKey);
  }

  /** Up to which entry the database knows all erasures. */
  async place(): Promise<LedgerPlace> {
    const { rows } = await this.database.query<{ sequence: string; hash: string }>(
      'SELECT sequence, hash FROM ledger_place',
    );
    return { sequence: Number(rows[0]?.sequence ?? 0), hash: rows[0]?.hash ?? '' };
  }

  /** Notes that the database knows all erasures up to there. */
  async moveTo({ sequence, hash }: LedgerPlace): Promise<void> {
    await this.database.query('UPDATE ledger_place SET sequence = $1, hash = $2', [sequence, hash]);
  }

  /**
   * Applies again what the database has forgotten. Suppressions are in force when this resolves; erasures
   * wait for the workers, under the ids that they had.
   */
  async apply(
    remembered: readonly RememberedErasure[],
    options: ComparisonOptions,
  ): Promise<Forgotten> {
    const unknown = await this.#findUnknown(remembered);
    const none = { erasures: [], suppressions: 0, lifts: 0, reappeared: 0 };
    if (unknown.length === 0 && !options.isThorough) return none;
    const changes = await this.#mendSuppressions(remembered, unknown, options);
    // Who was writing meanwhile may not have seen them; what it has stored is found below.
    if (!options.isDryRun) await this.database.hold(waitForWriters);
    const reappeared = await this.#restore(remembered, unknown, options);
    return { ...changes, reappeared, erasures: unknown.map(({ erasureId }) => erasureId) };
  }

  /** Erasures that the ledger has no entry of; `record` appends them, and returns their places. */
  async recordUnrecorded(
    record: (records: readonly LedgerRecord[]) => Promise<LedgerPlace[]>,
  ): Promise<number> {
    for (let recorded = 0; ;) {
      const count = await this.database.transaction((tx) => takeUnrecorded(tx, record));
      if (count === 0) return recorded;
      recorded += count;
    }
  }

  /** Has erasures recorded again that the ledger has lost. */
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

  async #mendSuppressions(
    remembered: readonly RememberedErasure[],
    unknown: readonly RememberedErasure[],
    { isThorough, isDryRun }: ComparisonOptions,
  ): Promise<Pick<Forgotten, 'suppressions' | 'lifts'>> {
    const forgotten = new Set(unknown);
    const words = [...lastWords(remembered)].map(([digest, erasure]) => ({
      hash: Buffer.from(digest, 'base64url'),
      requestedAt: erasure.requestedAt,
      isLift: erasure.mode === 'lift',
      isUnknown: forgotten.has(erasure),
    }));
    const chosen = words.filter(({ isUnknown, isLift }) => isUnknown || (isThorough && !isLift));
    return this.#inDryRun(isDryRun, async (tx) => {
      await lockRequests(tx);
      const of = (isLift: boolean): Word[] => chosen.filter((word) => word.isLift === isLift);
      const detail = {
        suppressions: await suppressAgain(tx, of(false)),
        lifts: await unsuppressAgain(tx, of(true)),
      };
      if (detail.suppressions + detail.lifts > 0) {
        const act = { actor: this.actor, act: 'suppression.reapply', detail } as const;
        await recordGeneralAct(tx, { ...act, outcome: 'done' });
      }
      return detail;
    });
  }

  async #restore(
    remembered: readonly RememberedErasure[],
    unknown: readonly RememberedErasure[],
    { isThorough, isDryRun }: ComparisonOptions,
  ): Promise<number> {
    const words = lastWords(remembered);
    const digests = new Set(unknown.flatMap(({ installations }) => installations));
    const forgotten = new Set(unknown);
    const gone = [...words].flatMap(([digest, word]) =>
      word.mode === 'erase_and_suppress' && !forgotten.has(word) ? [digest] : [],
    );
    if (isThorough) for (const digest of gone) digests.add(digest);
    return this.#inDryRun(isDryRun, async (tx) => {
      await lockRequests(tx);
      const { hasher, actor } = this;
      const found = await findInstallations(tx, hasher, digests);
      await restoreErasures(tx, unknown, { words, found, hasher, actor });
      if (!isThorough) return 0;
      const ids = gone.flatMap((digest) => found.get(digest) ?? []);
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
