import pg from 'pg';
import type { NormalisedEvent } from '#telemetry';
import type { Database } from '../database/database.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { ensurePartitions } from '../database/partitions.js';
import { isMissingPartition, isRefusal } from '../database/postgres-errors.js';
import { requestOwnErasures } from '../erasure/self-erasure.js';
import { type NormalisedBatch, Tally } from './batch.js';
import { beginBatches, beginReplay, installationIdsOf, TAKE_NUMBER } from './begin.js';
import {
  BEGIN_STEP,
  NEXT_REMOVAL,
  POSTPONE_REMOVAL,
  removeStep,
  type WaitingRemoval,
} from './opt-out-removal.js';
import { OriginGone } from './origins.js';
import { References, type TransactionReferences, type Written } from './references.js';
import { type ReplayPage, replayPage } from './replay.js';
import { saveEvents, type SaveMode } from './save-events.js';
import { addTally } from './tallies.js';

const NOTHING: Written = { reports: [], contentIds: [] };

/** An origin that is collected while its batch is stored is written again. That one is hardly ever collected too. */
const ATTEMPTS = 5;

export interface TelemetryStoreOptions {
  database: Database;
  /** Under which suppressed installations are known. */
  suppressionKey: string;
}

/** Writes what workers have understood of events. */
export class TelemetryStore {
  readonly #database: Database;
  readonly #references = new References();
  readonly #hasher: InstallationHasher;

  constructor({ database, suppressionKey }: TelemetryStoreOptions) {
    this.#database = database;
    this.#hasher = new InstallationHasher(suppressionKey);
  }

  /**
   * Stores batches in one transaction: rows, fates and the receipt of each batch. A batch that was stored before
   * changes nothing. An event that the database refuses is quarantined, and the others are stored. The batches must
   * have been gathered within a day, because copies of an event in one transaction count as one event.
   * @throws if the database cannot be reached or gives up; then nothing is stored, and the batches may be saved again
   */
  async save(...batches: readonly NormalisedBatch[]): Promise<void> {
    const times = batches.flatMap(({ gatheredAt, events }) => [
      gatheredAt,
      ...events.map(({ receivedAt }) => receivedAt),
    ]);
    await this.#insist((mode) => this.#saveBatches(batches, mode), times);
  }

  /**
   * Replays quarantined events in one transaction: replaces their rows by the result of the current rules, and
   * corrects the balance of the hours in which they were received. Events of suppressed installations stay as they
   * are. Throws as `save` does; then nothing has changed.
   */
  async replay(page: ReplayPage): Promise<void> {
    const times = page.events.map(({ event }) => event.receivedAt);
    await this.#insist((mode) => this.#replayPage(page, mode), times);
  }

  /**
   * Takes a step of removing what was stored before a late opt-out arrived: up to some thousand events of one
   * installation, in one transaction. A step that is interrupted changes nothing.
   * @returns false where nothing waits for its removal
   */
  async removeOptedOut(): Promise<boolean> {
    const { rows } = await this.#database.query<WaitingRemoval>(NEXT_REMOVAL);
    const [next] = rows;
    if (!next) return false;
    try {
      await this.#database.transaction((tx) => removeStep(tx, next), {
        path: 'write',
        first: BEGIN_STEP,
      });
    } catch (error) {
      if (error instanceof pg.DatabaseError) {
        await this.#database.query(POSTPONE_REMOVAL, [next.installation_id, next.product]);
      }
      throw error;
    }
    return true;
  }

  /** Creates the partitions of the coming months where they are missing. @returns the names of the new ones */
  async preparePartitions(): Promise<string[]> {
    return this.#database.hold((client) => ensurePartitions(client), { path: 'write' });
  }

  /** Where the database refuses something in the events, only what it refuses is not stored. */
  async #insist(
    write: (mode: SaveMode) => Promise<void>,
    times: readonly number[],
    attempts = ATTEMPTS,
  ): Promise<void> {
    try {
      await write('together');
    } catch (error) {
      if (isMissingPartition(error)) {
        await this.#makePartitions(times);
        await write('together');
      } else if (error instanceof OriginGone && attempts > 1) {
        await this.#insist(write, times, attempts - 1);
      } else if (isRefusal(error)) await write('apart');
      else throw error;
    }
  }

  async #saveBatches(batches: readonly NormalisedBatch[], mode: SaveMode): Promise<void> {
    await this.#transaction(eventsOf(batches), async (tx, references) => {
      const { fresh, epoch, suppressed } = await beginBatches(tx, batches, this.#hasher);
      await references.hold(tx, epoch);
      if (fresh.length === 0) return NOTHING;
      const events = eventsOf(fresh);
      await requestOwnErasures(tx, events, this.#hasher);
      const { wanted, unwanted } = splitSuppressed(events, suppressed);
      const { fates, ...written } = await saveEvents(wanted, { tx, references }, mode);
      for (const event of unwanted) fates.add(event, 'suppressed');
      await addTally(tx, Tally.ofAccepted(fresh.flatMap(({ accepted }) => accepted)).merge(fates));
      return written;
    });
  }

  async #replayPage(page: ReplayPage, mode: SaveMode): Promise<void> {
    const events = page.events.map(({ event }) => event);
    await this.#transaction(events, async (tx, references) => {
      const start = await beginReplay(tx, page.events, this.#hasher);
      await references.hold(tx, start.epoch);
      return replayPage(page, start, { tx, references }, mode);
    });
  }

  /** One transaction that stores events. What its reports refer to is remembered once it is committed. */
  async #transaction(
    events: readonly NormalisedEvent[],
    work: (tx: pg.ClientBase, references: TransactionReferences) => Promise<Written>,
  ): Promise<void> {
    const references = await this.#references.learn(this.#database, events);
    const written = await this.#database.transaction((tx) => work(tx, references), {
      path: 'write',
      first: TAKE_NUMBER,
    });
    references.remember(written);
  }

  async #makePartitions(times: readonly number[]): Promise<void> {
    const make = async (client: pg.ClientBase) => {
      for (const month of new Set(times.map(monthOf))) await ensurePartitions(client, month);
    };
    await this.#database.hold(make, { path: 'write' });
  }
}

function eventsOf(batches: readonly NormalisedBatch[]): readonly NormalisedEvent[] {
  const [only] = batches;
  return only && batches.length === 1 ? only.events : batches.flatMap(({ events }) => events);
}

/** Separates the events of suppressed installations. */
function splitSuppressed(events: readonly NormalisedEvent[], suppressed: ReadonlySet<string>) {
  const isSuppressed = (event: NormalisedEvent) =>
    installationIdsOf(event).some((id) => suppressed.has(id));
  const unwanted = suppressed.size === 0 ? [] : events.filter(isSuppressed);
  if (unwanted.length === 0) return { wanted: events, unwanted };
  return { wanted: events.filter((event) => !isSuppressed(event)), unwanted };
}

/** The beginning of a month in UTC, in milliseconds since 1970. */
function monthOf(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}
