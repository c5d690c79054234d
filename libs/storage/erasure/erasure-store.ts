import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { InstallationHasher } from '../suppression.js';
import type { ErasureCertificate } from './certificate.js';
import { toErasure, type Erasure, type ErasureMode, type ErasureRow } from './erasure.js';
import { CLAIM, runErasure, type RunContext } from './run.js';
import { countRows, tablesOfInstallations } from './tables.js';

export interface ErasureStoreOptions {
  databaseUrl: string;
  /** Under which suppressed installations are known. */
  suppressionKey: string;
  connections: number;
  onIdleError?: (error: Error) => void;
}

export interface ErasureRequest {
  mode: ErasureMode;
  /** As they are stored. */
  installationIds: readonly string[];
  /** The same key again is the same request. */
  idempotencyKey?: string | undefined;
}

/** Where in a list of erasures to go on, newest first. */
export interface ErasurePage {
  state?: string | undefined;
  /** Only those of this installation. */
  installationId?: string | undefined;
  /** The id of the last one of the page before. */
  after?: string | undefined;
  limit: number;
}

/** Erasures: asked for, carried out, and shown. */
export class ErasureStore {
  readonly #pool: pg.Pool;
  readonly #hasher: InstallationHasher;

  constructor({ databaseUrl, suppressionKey, connections, onIdleError }: ErasureStoreOptions) {
    this.#hasher = new InstallationHasher(suppressionKey);
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: connections,
      keepAlive: true,
      application_name: 'muster-erasure',
      connectionTimeoutMillis: 10_000,
      options: '-c lock_timeout=30s -c idle_in_transaction_session_timeout=30s',
    });
    this.#pool.on('error', (error) => onIdleError?.(error));
  }

  /**
   * Asks for an erasure. The same request again, by its key or while the first one is under way, is the
   * same erasure.
   */
  async request(request: ErasureRequest): Promise<{ erasure: Erasure; isNew: boolean }> {
    const { mode, idempotencyKey } = request;
    const ids = [...new Set(request.installationIds)].sort();
    return this.#inTransaction(async (client) => {
      // Two that ask the same at once must find each other.
      await client.query('LOCK TABLE erasure IN SHARE ROW EXCLUSIVE MODE');
      const same = await findSame(client, mode, ids, idempotencyKey);
      if (same) return { erasure: toErasure(same), isNew: false };
      const { rows } = await client.query<ErasureRow>(
        `INSERT INTO erasure (erasure_id, mode, state, installations, idempotency_key, requested_at)
         VALUES ($1, $2, 'requested', $3, $4, now()) RETURNING *`,
        [randomUUID(), mode, ids.length, idempotencyKey],
      );
      const row = rows[0] as ErasureRow;
      await client.query(
        `INSERT INTO erasure_target SELECT id, $1::uuid FROM unnest($2::uuid[]) AS id`,
        [row.erasure_id, ids],
      );
      await client.query(
        `INSERT INTO erasure_subject SELECT h, $1::uuid FROM unnest($2::bytea[]) AS h`,
        [row.erasure_id, ids.map((id) => this.#hasher.hash(id))],
      );
      return { erasure: toErasure(row), isNew: true };
    });
  }

  async get(erasureId: string): Promise<Erasure | null> {
    const { rows } = await this.#pool.query<ErasureRow>(
      'SELECT * FROM erasure WHERE erasure_id = $1',
      [erasureId],
    );
    return rows[0] ? toErasure(rows[0]) : null;
  }

  /** The signed certificate; null while there is none. */
  async certificate(erasureId: string): Promise<ErasureCertificate | null> {
    const { rows } = await this.#pool.query<{ certificate: ErasureCertificate | null }>(
      'SELECT certificate FROM erasure WHERE erasure_id = $1',
      [erasureId],
    );
    return rows[0]?.certificate ?? null;
  }

  async list({ state, installationId, after, limit }: ErasurePage): Promise<Erasure[]> {
    const hash = installationId === undefined ? null : this.#hasher.hash(installationId);
    const { rows } = await this.#pool.query<ErasureRow>(
      `SELECT * FROM erasure
        WHERE ($1::text IS NULL OR state = $1)
          AND ($4::bytea IS NULL OR erasure_id IN
               (SELECT erasure_id FROM erasure_subject WHERE installation_hash = $4))
          AND ($2::uuid IS NULL OR (requested_at, erasure_id) <
               (SELECT requested_at, erasure_id FROM erasure WHERE erasure_id = $2))
        ORDER BY requested_at DESC, erasure_id DESC LIMIT $3`,
      [state, after, limit, hash],
    );
    return rows.map(toErasure);
  }

  /** How many rows an erasure would remove, by table. Changes nothing. */
  async count(installationIds: readonly string[]): Promise<Record<string, number>> {
    return this.#withClient(async (client) =>
      countRows(client, await tablesOfInstallations(client), installationIds),
    );
  }

  /**
   * Takes the erasure that has waited longest and that nobody works on, and carries it to its end.
   * @returns its id; null where there was none
   */
  async runNext(context: Pick<RunContext, 'emptyQueue' | 'certify'>): Promise<string | null> {
    const { rows } = await this.#pool.query<{ erasure_id: string }>(
      `UPDATE erasure SET attempts = attempts + 1, claimed_until = ${CLAIM}
        WHERE erasure_id = (
              SELECT erasure_id FROM erasure
               WHERE state NOT IN ('complete', 'failed')
                 AND (claimed_until IS NULL OR claimed_until < now())
               ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING erasure_id`,
    );
    const [claimed] = rows;
    if (!claimed) return null;
    try {
      await this.#withClient((client) =>
        runErasure(claimed.erasure_id, { ...context, client, hasher: this.#hasher }),
      );
    } catch (error) {
      await this.#pool.query(
        `UPDATE erasure SET failure = $2, claimed_until = now() + interval '2 seconds'
          WHERE erasure_id = $1`,
        [claimed.erasure_id, error instanceof pg.DatabaseError ? error.code : 'interrupted'],
      );
      throw error;
    }
    return claimed.erasure_id;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #inTransaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.#withClient(async (client) => {
      await client.query('BEGIN');
      try {
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
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

/** The erasure with the same key; or one of the same mode that is still about exactly these. */
async function findSame(
  client: pg.ClientBase,
  mode: ErasureMode,
  ids: readonly string[],
  idempotencyKey: string | undefined,
): Promise<ErasureRow | undefined> {
  const { rows } = await client.query<ErasureRow>(
    `SELECT e.* FROM erasure e
      WHERE e.idempotency_key = $1
         OR (e.mode = $2 AND e.state NOT IN ('complete', 'failed') AND e.installations = $4 AND $3::uuid[] =
             (SELECT array_agg(installation_id ORDER BY installation_id::text) FROM erasure_target t
               WHERE t.erasure_id = e.erasure_id))
      ORDER BY e.idempotency_key = $1 DESC NULLS LAST LIMIT 1`,
    [idempotencyKey, mode, ids, ids.length],
  );
  return rows[0];
}
