import type pg from 'pg';
import { recordGeneralAct, type Actor } from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import { lockRequests } from '../erasure/request.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { waitForWriters } from '../database/wait-for-writers.js';
import type { LedgerEntry, LedgerPlace, LedgerRecord } from '../ledger/entry.js';
import { findInstallations } from './find-installations.js';
import { lastWords, type RememberedErasure } from '../ledger/last-words.js';
import { findLifted, suppressAgain, unsuppressAgain, type Word } from './reapply-suppressions.js';
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

class DryRun extends Error {
  override readonly name = 'DryRun';
}

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

  /**
   * Notes that the database knows all erasures up to there.
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
    const words = chooseWords(remembered, unknown, options);
    const changes = await this.#inDryRun(options.isDryRun, async (tx) => {
      await lockRequests(tx);
      return this.#mendSuppressions(tx, words);
    });
    // Who was writing meanwhile may not have seen them; what it has stored is found below.
    if (!options.isDryRun) await this.database.hold(waitForWriters);
    const reappeared = await this.#restore(remembered, unknown, { ...options, words });
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
    tx: pg.ClientBase,
    words: readonly ChosenWord[],
  ): Promise<Pick<Forgotten, 'suppressions' | 'lifts'>> {
    const of = (isLift: boolean) => words.filter((word) => word.isLift === isLift);
    const detail = {
      suppressions: await suppressAgain(tx, of(false)),
      lifts: await unsuppressAgain(tx, of(true)),
    };
    if (detail.suppressions + detail.lifts > 0) {
      const act = { actor: this.actor, act: 'suppression.reapply', detail } as const;
      await recordGeneralAct(tx, { ...act, outcome: 'done' });
    }
    return detail;
  }

  async #restore(
    remembered: readonly RememberedErasure[],
    unknown: readonly RememberedErasure[],
    options: ComparisonOptions & { words: readonly ChosenWord[] },
  ): Promise<number> {
    const { isThorough, isDryRun } = options;
    const { hasher, actor } = this;
    const words = lastWords(remembered);
    const forgotten = new Set(unknown);
    const gone = [...words].flatMap(([digest, word]) =>
      isThorough && word.mode === 'erase_and_suppress' && !forgotten.has(word) ? [digest] : [],
    );
    const digests = new Set([...unknown.flatMap(({ installations }) => installations), ...gone]);
    // Before the lock, because it takes seconds. What is stored meanwhile was received after the erasures.
    const found = await this.database.hold((client) => findInstallations(client, hasher, digests));
    return this.#inDryRun(isDryRun, async (tx) => {
      await lockRequests(tx);
      // Together with the erasures, in case the database was replaced by a lagging replica in the meantime.
      if (!isDryRun) await this.#mendSuppressions(tx, options.words);
      const lifted = await findLifted(tx, wordsOf(words, found.keys()));
      await restoreErasures(tx, unknown, { words, lifted, found, hasher, actor });
      const ids = gone.flatMap((digest) => (lifted.has(digest) ? [] : (found.get(digest) ?? [])));
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

interface ChosenWord extends Word {
  isLift: boolean;
}

/** What is to be in force: the words of unknown erasures, and with `isThorough` all suppressions. */
function chooseWords(
  remembered: readonly RememberedErasure[],
  unknown: readonly RememberedErasure[],
  { isThorough }: ComparisonOptions,
): ChosenWord[] {
  const forgotten = new Set(unknown);
  const words = lastWords(remembered);
  const isChosen = (erasure: RememberedErasure) =>
    forgotten.has(erasure) || (isThorough && erasure.mode !== 'lift');
  const chosen = [...words].filter(([, erasure]) => isChosen(erasure));
  return wordsOf(
    words,
    chosen.map(([digest]) => digest),
  );
}

function wordsOf(
  words: ReadonlyMap<string, RememberedErasure>,
  digests: Iterable<string>,
): ChosenWord[] {
  return [...digests].flatMap((digest) => {
    const erasure = words.get(digest);
    if (!erasure) return [];
    const { requestedAt, mode } = erasure;
    return [{ hash: Buffer.from(digest, 'base64url'), requestedAt, isLift: mode === 'lift' }];
  });
}
