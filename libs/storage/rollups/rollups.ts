import type pg from 'pg';
import type { Database } from '../database/database.js';
import { markEverything, refresh, type RefreshResult } from './refresh.js';
import type { RefreshOptions } from './refresh-options.js';

/** The pause after a refresh, as a multiple of its duration. */
const PAUSE_FACTOR = 20;
/** Upper limit of the pause, so that one slow refresh does not leave the views stale for hours. */
const MAX_PAUSE = "interval '1 hour'";

const SETTINGS = {
  ...{ jit: 'off', work_mem: '64MB' },
  ...{ statement_timeout: 15 * 60_000, lock_timeout: 0 },
};

/** The daily aggregates of the fleet, refreshed incrementally. */
export class Rollups {
  constructor(private readonly database: Database) {}

  /** Refreshes all rollups. @throws RefreshIncomplete */
  async refresh(options: RefreshOptions = {}): Promise<RefreshResult> {
    return this.#hold((client) => refresh(client, { ...options, sideQuery: this.#sideQuery }));
  }

  /**
   * Like `refresh`, for periodic callers: however many there are, refreshes take at most about a twentieth of the time.
   * @returns null if no refresh is due
   */
  async refreshIfDue(options: RefreshOptions = {}): Promise<RefreshResult | null> {
    return this.#hold(async (client) => {
      const { rows } = await client.query<{ is_due: boolean }>(
        `SELECT refreshed_at IS NULL
                OR now() >= refreshed_at + least(${PAUSE_FACTOR} * duration_ms * interval '1 millisecond', ${MAX_PAUSE}) AS is_due
           FROM rollup_state`,
      );
      return rows[0]?.is_due ? refresh(client, { ...options, sideQuery: this.#sideQuery }) : null;
    });
  }

  /** Recomputes everything from the reports, or where these have expired, from the installations' days. */
  async rebuild(options: RefreshOptions = {}): Promise<RefreshResult> {
    return this.#hold(async (client) => {
      await markEverything(client);
      return refresh(client, { ...options, sideQuery: this.#sideQuery });
    });
  }

  readonly #sideQuery = (text: string, values: unknown[]) => this.database.query(text, values);

  async #hold<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.database.hold(work, { settings: SETTINGS, name: 'maintenance' });
  }
}
