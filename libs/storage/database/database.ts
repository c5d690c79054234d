import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectionOf, findAtWork, prepare, within } from './connections.js';
import { Liveness } from './liveness.js';
import { Outage, type OutageListener } from './outage.js';
import { Listener, type Channel } from './listener.js';
import { isConnectionLoss } from './postgres-errors.js';
import { Session, sessionOf } from './session.js';
import { GENERAL_SETTINGS, WRITE_SETTINGS, type SessionSettings } from './session-settings.js';
import { holdSession, type HoldOptions } from './hold.js';
import { Slots } from './slots.js';
import {
  inTransaction,
  readInTransaction,
  type Path,
  type TransactionOptions,
} from './transaction.js';

export interface DatabaseOptions extends OutageListener {
  databaseUrl: string;
  /** As the server lists its connections. */
  name: string;
  /** The limit of connections, without those of the write path and the one that listens. At least 2. */
  connections: number;
  /** The limit of the write path. Default 0, for a process that stores no batch. */
  writeConnections?: number;
  /** Called after each statement on a connection that is held under a name. */
  onProgress?: (name: string) => void;
  /** Of the general connections, for this process. */
  settings?: SessionSettings;
}

/** Kept free of long work, for claims that are renewed, health checks and other short statements. */
const RESERVE = 1;
const IDLE_MS = 30_000;
const CHECK_TIMEOUT_MS = 900;

/**
 * All connections of a process to its database. A connection that breaks costs the statement under way and
 * never the process. The end of a connection that vanished silently is noticed within half a minute.
 */
export class Database {
  readonly #general: pg.Pool;
  readonly #write: pg.Pool | null;
  readonly #bulk: Slots;
  readonly #outage: Outage;
  readonly #liveness: Liveness;
  readonly #listener: Listener;
  readonly #onProgress: DatabaseOptions['onProgress'];

  constructor(options: DatabaseOptions) {
    const { writeConnections = 0, settings = {}, connections } = options;
    this.#outage = new Outage(() => this.#ask('SELECT', CHECK_TIMEOUT_MS), options);
    this.#onProgress = options.onProgress;
    this.#liveness = new Liveness((sessions) =>
      this.#with(this.#general, (client) => findAtWork(client, sessions)),
    );
    const most = Math.max(connections, RESERVE + 1);
    this.#general = this.#pool(options, most, { ...GENERAL_SETTINGS, ...settings });
    this.#write =
      writeConnections > 0 ? this.#pool(options, writeConnections, WRITE_SETTINGS) : null;
    this.#bulk = new Slots(most - RESERVE);
    this.#listener = new Listener({
      connect: () => this.#connectToListen(options),
      ask: (client, statement, limitMs) => within(client, limitMs, statement),
    });
  }

  /** Runs a single short statement. */
  async query<R extends pg.QueryResultRow>(
    query: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult<R>> {
    return this.#with(this.#general, (client) => client.query<R>(query, values));
  }

  /** Does work in a transaction, and none of it where it throws. */
  async transaction<T>(
    work: (tx: pg.ClientBase) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.#atLength(options.path, (client) =>
      inTransaction(client, () => work(client), options),
    );
  }

  /** Yields what is read in a transaction. */
  async *read<T>(
    read: (tx: pg.ClientBase) => AsyncIterable<T>,
    options: TransactionOptions = {},
  ): AsyncGenerator<T> {
    const leave = await this.#bulk.take();
    const client = await this.#connect(this.#general).catch((error: unknown) => {
      leave();
      throw error;
    });
    try {
      yield* readInTransaction(client, () => read(client), options);
    } finally {
      client.release(sessionOf(client)?.isBroken === true);
      leave();
    }
  }

  /**
   * Keeps one connection for several transactions, and for statements that must not be in one. When the signal
   * aborts, the statement under way is cancelled.
   */
  async hold<T>(
    work: (client: pg.ClientBase) => Promise<T>,
    options: HoldOptions = {},
  ): Promise<T> {
    options.signal?.throwIfAborted();
    const cancel = (session: Session) => this.#cancel(session);
    const { name } = options;
    const onStatement = name === undefined ? undefined : () => this.#onProgress?.(name);
    return this.#atLength(options.path, (client) =>
      holdSession(client, work, { ...options, cancel, onStatement }),
    );
  }

  /** Throws unless the database answers in time and is migrated. */
  async check(timeoutMs = CHECK_TIMEOUT_MS): Promise<void> {
    await this.#ask('SELECT FROM installation LIMIT 1', timeoutMs);
  }

  /**
   * Calls a handler when something was announced on a channel (`announce`), and in case a notice was missed: see
   * `Listener`. The first call opens one more connection, for all channels.
   */
  listen(channel: Channel, handler: () => void): void {
    this.#listener.add(channel, handler);
  }

  /** Waits for the statements under way and closes all connections. */
  async close(): Promise<void> {
    this.#outage.close();
    this.#listener.close();
    await Promise.all([this.#general.end(), this.#write?.end()]);
    this.#liveness.close();
  }

  #pool(options: DatabaseOptions, max: number, settings: SessionSettings): pg.Pool {
    const pool = new pg.Pool({
      ...connectionOf(options),
      max,
      idleTimeoutMillis: IDLE_MS,
      verify: (client, done) => void prepare(client, settings).then(() => done(), done),
    });
    pool.on('error', (error) => this.#outage.note(error));
    pool.on('connect', (client) => this.#follow(client, options, settings));
    return pool;
  }

  #follow(client: pg.Client, { name }: DatabaseOptions, settings: SessionSettings): void {
    const own = `${name} ${randomBytes(4).toString('hex')}`;
    const onLoss = (error: Error) => this.#outage.note(error);
    const session = new Session(client, { name: own, settings, onLoss });
    this.#liveness.add(session);
    client.on('end', () => this.#liveness.remove(session));
  }

  /** A pooler assigns the server's sessions to transactions, so no session would get the notices. */
  async #connectToListen(options: DatabaseOptions): Promise<pg.Client | null> {
    const client = new pg.Client(connectionOf(options));
    this.#follow(client, options, GENERAL_SETTINGS);
    try {
      await client.connect();
      await prepare(client, GENERAL_SETTINGS);
    } catch (error) {
      if (error instanceof Error && isConnectionLoss(error)) this.#outage.note(error);
      sessionOf(client)?.destroy();
      throw error;
    }
    if (!sessionOf(client)?.isPooled) return client;
    await client.end();
    return null;
  }

  /** Leaves the reserve to others. */
  async #atLength<T>(
    path: Path = 'general',
    work: (client: pg.PoolClient) => Promise<T>,
  ): Promise<T> {
    if (path === 'write' && this.#write) return this.#with(this.#write, work);
    const leave = await this.#bulk.take();
    try {
      return await this.#with(this.#general, work);
    } finally {
      leave();
    }
  }

  async #with<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect(pool);
    try {
      const result = await work(client);
      client.release(sessionOf(client)?.isBroken === true);
      return result;
    } catch (error) {
      // A connection in the middle of something is not used again; a refused statement leaves it as it was.
      const isUsable = error instanceof pg.DatabaseError && !sessionOf(client)?.isBroken;
      client.release(!isUsable);
      throw error;
    }
  }

  async #connect(pool: pg.Pool): Promise<pg.PoolClient> {
    try {
      for (;;) {
        const client = await pool.connect();
        if ((sessionOf(client)?.answeredAt ?? Infinity) >= this.#liveness.lostAt) return client;
        client.release(true);
      }
    } catch (error) {
      if (error instanceof Error && isConnectionLoss(error)) this.#outage.note(error);
      throw error;
    }
  }

  /** Runs a statement; both sides give it up in time, and its connection with it. */
  async #ask(statement: string, timeoutMs: number): Promise<void> {
    const asking = this.#with(this.#general, (client) => within(client, timeoutMs, statement));
    asking.catch(() => undefined);
    const late = sleep(timeoutMs, undefined, { ref: false }).then(() => {
      throw new Error('The database did not answer in time.');
    });
    await Promise.race([asking, late]);
  }

  async #cancel({ route, name }: Session): Promise<void> {
    const mine = route?.isPooled ? 'application_name = $1' : 'pid = $1';
    const statement = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND ${mine}`;
    await this.query(statement, [route?.isPooled ? name : route?.pid]);
  }
}
