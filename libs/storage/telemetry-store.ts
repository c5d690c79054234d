import pg from 'pg';
import type { NormalisedEvent } from '#telemetry';
import type { NormalisedBatch } from './batch.js';
import { Tally } from './batch.js';
import { requestOwnErasures } from './erasure/self-erasure.js';
import { ensurePartitions } from './partitions.js';
import { isMissingPartition, isRefusal } from './refusals.js';
import { OriginGone, Origins } from './origins.js';
import { type ReplayPage, replayPage } from './quarantine/replay.js';
import { type SaveContext, saveEvents, saveEventsApart } from './save-events.js';
import { KnownSnapshots } from './snapshots.js';
import {
  beginBatch,
  beginReplay,
  InstallationHasher,
  type BatchStart,
  type WriteStart,
} from './suppression.js';
import { addTally } from './tallies.js';

/**
 * Every look-up of the write path is by key. The planner, which sees tables without statistics when
 * a month begins, must not find a scan cheaper and keep that plan.
 */
const PLANNER = [
  '-c enable_seqscan=off',
  '-c enable_hashjoin=off',
  '-c enable_mergejoin=off',
  '-c jit=off',
  '-c plan_cache_mode=force_generic_plan',
];

/**
 * A worker whose machine is gone or frozen holds locks until the server gives it up: within 25
 * seconds, so that another can store its jobs.
 */
const PATIENCE = [
  '-c idle_in_transaction_session_timeout=15s',
  '-c lock_timeout=20s',
  '-c statement_timeout=60s',
  '-c tcp_keepalives_idle=10',
  '-c tcp_keepalives_interval=5',
  '-c tcp_keepalives_count=3',
];

const STATEMENT_LIMIT_MS = 70_000;
/** An origin that is collected while its batch is stored is written anew; hardly ever is that collected too. */
const ATTEMPTS = 5;

export interface TelemetryStoreOptions {
  databaseUrl: string;
  /** The most connections to the database at once. */
  connections: number;
  /** Under which suppressed installations are known. */
  suppressionKey: string;
  /** Told of a connection that broke while it was idle; the next use makes a new one. */
  onIdleError?: (error: Error) => void;
}

/** Writes what workers have understood of events. */
export class TelemetryStore {
  readonly #pool: pg.Pool;
  readonly #origins = new Origins();
  readonly #snapshots = new KnownSnapshots();
  readonly #hasher: InstallationHasher;

  constructor(options: TelemetryStoreOptions) {
    const { databaseUrl, connections, suppressionKey, onIdleError } = options;
    this.#hasher = new InstallationHasher(suppressionKey);
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: connections,
      options: [...PLANNER, ...PATIENCE].join(' '),
      keepAlive: true,
      query_timeout: STATEMENT_LIMIT_MS,
      application_name: 'muster-worker',
      connectionTimeoutMillis: 10_000,
    });
    this.#pool.on('error', (error) => onIdleError?.(error));
    // While a connection is in use, its end is the error of the statement under way.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
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
   * Stores events anew that were kept aside, in one transaction: their old rows go, what they are now
   * comes, and the books of the hours of their receipt are corrected. Of an installation that is
   * suppressed nothing is stored, and what is kept stays. Throws as `save` does, and then nothing is done.
   */
  async replay(page: ReplayPage): Promise<void> {
    const times = page.events.map(({ event }) => event.receivedAt);
    await this.#insist((save) => this.#replayPage(save, page), times);
  }

  /** Makes the coming partitions where they are missing; returns the names of the new ones. */
  async preparePartitions(): Promise<string[]> {
    return this.#withClient((client) => ensurePartitions(client, Date.now()));
  }

  /** Throws unless the database answers and is migrated. */
  async check(): Promise<void> {
    await this.#pool.query('SELECT FROM installation LIMIT 1');
  }

  /** Waits for what is under way and closes all connections. */
  async close(): Promise<void> {
    await this.#pool.end();
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
        if (!start.isNew) return [];
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

  /** One transaction of writing. `work` returns the snapshots that it wrote. */
  async #write<S extends WriteStart>(
    events: readonly NormalisedEvent[],
    begin: (tx: pg.ClientBase) => Promise<S>,
    work: (start: S, context: SaveContext) => Promise<string[]>,
  ): Promise<void> {
    const understood = events.filter((event) => event.fate === 'stored');
    const originOf = await this.#origins.learn(this.#pool, understood);
    await this.#withClient(async (tx) => {
      try {
        const start = await begin(tx);
        this.#snapshots.enter(start.epoch);
        const held = await this.#origins.hold(tx, start.epoch, understood.map(originOf));
        const written = await work(start, { tx, originOf, snapshots: this.#snapshots });
        await tx.query('COMMIT');
        this.#snapshots.remember(written, start.epoch);
        this.#origins.remember(held, start.epoch);
      } catch (error) {
        await tx.query('ROLLBACK').catch(() => undefined); // the error that led here says more
        throw error;
      }
    });
  }

  async #makePartitions(times: readonly number[]): Promise<void> {
    await this.#withClient(async (client) => {
      for (const time of new Set(times)) await ensurePartitions(client, time);
    });
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      // What broke off in the middle of something is not used again; a refusal broke nothing.
      client.release(!(error instanceof pg.DatabaseError));
      throw error;
    }
  }
}

async function saveOnce(
  save: typeof saveEvents,
  batch: NormalisedBatch,
  { suppressed }: BatchStart,
  context: SaveContext,
): Promise<string[]> {
  const isSuppressed = (event: NormalisedEvent) =>
    'installationId' in event && suppressed.has(event.installationId);
  const wanted =
    suppressed.size === 0 ? batch.events : batch.events.filter((e) => !isSuppressed(e));
  const { fates, contentIds } = await save(wanted, context);
  if (suppressed.size > 0) {
    for (const event of batch.events) if (isSuppressed(event)) fates.add(event, 'suppressed');
  }
  await addTally(context.tx, Tally.ofAccepted(batch.accepted).merge(fates));
  return contentIds;
}

function installationsOf(events: readonly NormalisedEvent[]): string[] {
  const ids = new Set<string>();
  for (const event of events) if ('installationId' in event) ids.add(event.installationId);
  return [...ids];
}
