import type pg from 'pg';
import type { Database } from '../database/database.js';
import { markAll, refresh, type RefreshResult } from './refresh.js';
import type { RefreshOptions } from './refresh-options.js';

/** After a refresh the machine is left to others for so many times as long as it took. */
const REST = 20;
/** At most: one statement that takes minutes must not stop the views for hours. */
const LONGEST_REST = "interval '1 hour'";

const SETTINGS = {
  ...{ jit: 'off', work_mem: '64MB' },
  ...{ statement_timeout: 15 * 60_000, lock_timeout: 0 },
};

/** What the fleet did on each day, kept up to date from what has changed. */
export class Rollups {
  constructor(private readonly database: Database) {}

  /** Brings all rollups up to what has been committed. See `refresh`. */
  async refresh(options: RefreshOptions = {}): Promise<RefreshResult> {
    return this.#hold((client) => refresh(client, { ...options, ask: this.#ask }));
  }

  /**
   * The same, for callers that do so regularly: refreshes take at most a twentieth of the time, however many callers
   * there are.
   * @returns null if it is too early
   */
  async refreshInTurn(options: RefreshOptions = {}): Promise<RefreshResult | null> {
    return this.#hold(async (client) => {
      const { rows } = await client.query<{ is_due: boolean }>(
        `SELECT refreshed_at IS NULL
                OR now() >= refreshed_at + least(${REST} * duration_ms * interval '1 millisecond', ${LONGEST_REST}) AS is_due
           FROM rollup_state`,
      );
      return rows[0]?.is_due ? refresh(client, { ...options, ask: this.#ask }) : null;
    });
  }

  /** Recomputes everything: from the reports where they are still kept, else from the installations' days. */
  async rebuild(options: RefreshOptions = {}): Promise<RefreshResult> {
    return this.#hold(async (client) => {
      await markAll(client);
      return refresh(client, { ...options, ask: this.#ask });
    });
  }

  readonly #ask = (text: string, values: unknown[]) => this.database.query(text, values);

  async #hold<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.database.hold(work, { settings: SETTINGS, name: 'maintenance' });
  }
}
