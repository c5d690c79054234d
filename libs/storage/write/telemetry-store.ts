import pg from 'pg';
import type { NormalisedEvent } from '#telemetry';
import type { NormalisedBatch } from './batch.js';
import { Tally } from './batch.js';
import { requestOwnErasures } from '../erasure/self-erasure.js';
import { ensurePartitions } from '../database/partitions.js';
import type { Database } from '../database/database.js';
import { isMissingPartition, isRefusal } from '../database/postgres-errors.js';
import { OriginGone, type OriginOf, Origins } from './origins.js';
import { type ReplayPage, replayPage } from './replay.js';
import {
  NOTHING,
  type Written,
  type SaveContext,
  saveEvents,
  saveEventsApart,
} from './save-events.js';
import {
  BEGIN_STEP,
  NEXT_REMOVAL,
  POSTPONE_REMOVAL,
  removeStep,
  type WaitingRemoval,
} from './opt-out-removal.js';
import { contentIdsOf, KnownSnapshots } from './snapshots.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { beginBatch, beginReplay, TAKE_NUMBER, type BatchStart, type WriteStart } from './begin.js';
import { addTally } from './tallies.js';

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
  readonly #origins = new Origins();
  readonly #snapshots = new KnownSnapshots();
  readonly #hasher: InstallationHasher;

  constructor({ database, suppressionKey }: TelemetryStoreOptions) {
    this.#database = database;
    this.#hasher = new InstallationHasher(suppressionKey);
  }

  /**
   * Stores a batch in one transaction: rows, fates and the batch's receipt. A batch that was stored
   * before changes nothing. An event that the database refuses is quarantined, and costs the others
   * nothing. Throws where the database cannot be reached or gives up; the batch may be saved again.
   */
  async save(batch: NormalisedBatch): Promise<void> {
    const times = [batch.gatheredAt, ...batch.events.map(({ receivedAt }) => receivedAt)];
    await this.#insist((save) => this.#saveBatch(save, batch), times);
  }

  /**
   * Replays quarantined events in one transaction: replaces their rows by the result of the current rules, and
   * corrects the balance of the hours in which they were received. Events of suppressed installations stay as they
   * are. Throws as `save` does; then nothing has changed.
   */
  async replay(page: ReplayPage): Promise<void> {
    const times = page.events.map(({ event }) => event.receivedAt);
    await this.#insist((save) => this.#replayPage(save, page), times);
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
    write: (save: typeof saveEvents) => Promise<void>,
    times: readonly number[],
    attempts = ATTEMPTS,
  ): Promise<void> {
    try {
      await write(saveEvents);
    } catch (error) {
      if (isMissingPartition(error)) {
        await this.#makePartitions(times);
        await write(saveEvents);
      } else if (error instanceof OriginGone && attempts > 1) {
        await this.#insist(write, times, attempts - 1);
      } else if (isRefusal(error)) await write(saveEventsApart);
      else throw error;
    }
  }

  async #saveBatch(save: typeof saveEvents, batch: NormalisedBatch): Promise<void> {
    const ids = installationsOf(batch.events);
    await this.#write(
      batch.events,
      (tx) => beginBatch(tx, batch, ids, this.#hasher),
      async (start, context) => {
        if (!start.isNew) return NOTHING;
        await requestOwnErasures(context.tx, batch.events, this.#hasher);
        return saveOnce(save, batch, start, context);
      },
    );
  }

  async #replayPage(save: typeof saveEvents, page: ReplayPage): Promise<void> {
    const ids = [...new Set(page.events.map(({ installationId }) => installationId))];
    await this.#write(
      page.events.map(({ event }) => event),
      (tx) => beginReplay(tx, ids, this.#hasher),
      (start, context) => replayPage(save, page, start, context),
    );
  }

  /** One transaction of writing. */
  async #write<S extends WriteStart>(
    events: readonly NormalisedEvent[],
    begin: (tx: pg.ClientBase) => Promise<S>,
    work: (start: S, context: SaveContext) => Promise<Written>,
  ): Promise<void> {
    const understood = events.filter((event) => event.fate === 'stored');
    const originOf = await this.#origins.learn(this.#database, understood);
    const { start, held, written } = await this.#database.transaction(
      async (tx) => {
        const start = await begin(tx);
        this.#snapshots.enter(start.epoch);
        const held = await this.#origins.hold(tx, start.epoch, understood.map(originOf));
        const written = await work(start, { tx, originOf, snapshots: this.#snapshots });
        return { start, held, written };
      },
      { path: 'write', first: TAKE_NUMBER },
    );
    this.#remember(written, originOf, held, start.epoch);
  }

  /**
   * What stored reports refer to is known to be in the database from now on. What only other events refer to is not:
   * it may be collected at any time.
   */
  #remember(
    { reports, contentIds }: Written,
    originOf: OriginOf,
    held: readonly number[],
    epoch: string,
  ): void {
    if (contentIds.length > 0) {
      const used = contentIdsOf(reports);
      this.#snapshots.remember(
        contentIds.filter((id) => used.has(id)),
        epoch,
      );
    }
    if (held.length > 0) {
      const used = new Set(reports.map(originOf));
      this.#origins.remember(
        held.filter((id) => used.has(id)),
        epoch,
      );
    }
  }

  async #makePartitions(times: readonly number[]): Promise<void> {
    const make = async (client: pg.ClientBase) => {
      for (const month of new Set(times.map(monthOf))) await ensurePartitions(client, month);
    };
    await this.#database.hold(make, { path: 'write' });
  }
}

async function saveOnce(
  save: typeof saveEvents,
  batch: NormalisedBatch,
  { suppressed }: BatchStart,
  context: SaveContext,
): Promise<Written> {
  const isSuppressed = (event: NormalisedEvent) => idsOf(event).some((id) => suppressed.has(id));
  const wanted =
    suppressed.size === 0 ? batch.events : batch.events.filter((e) => !isSuppressed(e));
  const { fates, ...written } = await save(wanted, context);
  if (suppressed.size > 0) {
    for (const event of batch.events) if (isSuppressed(event)) fates.add(event, 'suppressed');
  }
  await addTally(context.tx, Tally.ofAccepted(batch.accepted).merge(fates));
  return written;
}

/** The beginning of a month in UTC, in milliseconds since 1970. */
function monthOf(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

function installationsOf(events: readonly NormalisedEvent[]): string[] {
  return [...new Set(events.flatMap(idsOf))];
}

/** The id of an event's installation, and those that it had in earlier releases. */
function idsOf(event: NormalisedEvent): readonly string[] {
  if (!('installationId' in event)) return [];
  return event.formerIds ? [event.installationId, ...event.formerIds] : [event.installationId];
}
