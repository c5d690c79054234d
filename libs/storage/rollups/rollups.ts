import pg from 'pg';
import { markAll, refresh, type RefreshOptions, type RefreshResult } from './refresh.js';

/** After a refresh the machine is left to others for so many times as long as it took. */
const REST = 20;

const SETTINGS = [
  '-c jit=off',
  '-c work_mem=64MB',
  '-c timezone=UTC',
  '-c statement_timeout=15min',
  '-c idle_in_transaction_session_timeout=30s',
  '-c tcp_keepalives_idle=10',
  '-c tcp_keepalives_interval=5',
  '-c tcp_keepalives_count=3',
];

export interface RollupsOptions {
  databaseUrl: string;
  /** Told of a connection that broke while it was idle; the next use makes a new one. */
  onIdleError?: (error: Error) => void;
}

/** What the fleet did on each day, kept up to date from what has changed. */
export class Rollups {
  readonly #pool: pg.Pool;

  constructor({ databaseUrl, onIdleError }: RollupsOptions) {
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: 1,
      options: SETTINGS.join(' '),
      keepAlive: true,
      application_name: 'muster-rollups',
      connectionTimeoutMillis: 10_000,
    });
    this.#pool.on('error', (error) => onIdleError?.(error));
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Brings all rollups up to what has been committed. See `refresh`. */
  async refresh(options: RefreshOptions = {}): Promise<RefreshResult> {
    return this.#withClient((client) => refresh(client, options));
  }

  /**
   * The same, for callers that do so every so often: refreshes take a twentieth of the time at most,
   * whoever calls.
   * @returns null where it is too early
   */
  async refreshInTurn(options: RefreshOptions = {}): Promise<RefreshResult | null> {
    return this.#withClient(async (client) => {
      const { rows } = await client.query<{ is_due: boolean }>(
        `SELECT refreshed_at IS NULL
                OR now() >= refreshed_at + ${REST} * duration_ms * interval '1 millisecond' AS is_due
           FROM rollup_state`,
      );
      return rows[0]?.is_due ? refresh(client, options) : null;
    });
  }

  /** Recomputes everything: from the reports where they are still kept, else from the installations' days. */
  async rebuild(options: RefreshOptions = {}): Promise<RefreshResult> {
    return this.#withClient(async (client) => {
      await markAll(client);
      return refresh(client, options);
    });
  }

  /** Waits for what is under way and closes the connection. */
  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}
