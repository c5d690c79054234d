import { hash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { InstallationHasher } from './suppression.js';

export const adminScopes = [
  'erasures:write',
  'installations:read',
  'keys:write',
  'quarantine:write',
  'operations:read',
] as const;
export type AdminScope = (typeof adminScopes)[number];

/** Who asks: the token's name, and what it may do. */
export interface Administrator {
  name: string;
  scopes: readonly AdminScope[];
}

/** Something that an administrator did, or tried to do. */
export interface Act {
  actor: string;
  /** What, as `erasure.request`. */
  act: string;
  outcome: 'done' | 'refused' | 'failed';
  /** Known by its keyed hash only. */
  installationId?: string | undefined;
  /** Nothing that identifies an installation. */
  detail?: object | undefined;
}

export interface AdminStoreOptions {
  databaseUrl: string;
  suppressionKey: string;
  connections: number;
  onIdleError?: (error: Error) => void;
}

/** Administrators and what they did. */
export class AdminStore {
  readonly #pool: pg.Pool;
  readonly #hasher: InstallationHasher;

  constructor({ databaseUrl, suppressionKey, connections, onIdleError }: AdminStoreOptions) {
    this.#hasher = new InstallationHasher(suppressionKey);
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: connections,
      application_name: 'muster-admin',
      connectionTimeoutMillis: 5000,
      options: '-c statement_timeout=30s',
    });
    this.#pool.on('error', (error) => onIdleError?.(error));
  }

  /** Throws unless the database answers and is migrated. */
  async check(): Promise<void> {
    await this.#pool.query('SELECT FROM admin_token LIMIT 1');
  }

  /**
   * Makes a token; of the same name there is only the newest.
   * @returns the token itself, which is kept nowhere
   */
  async createToken(
    name: string,
    scopes: readonly AdminScope[],
    options: { expiresAt?: Date; token?: string } = {},
  ): Promise<string> {
    const token = options.token ?? `mat_${randomBytes(20).toString('hex')}`;
    await this.#pool.query(
      `INSERT INTO admin_token (token_id, name, digest, scopes, created_at, expires_at)
       VALUES ($1, $2, $3, $4, now(), $5)
       ON CONFLICT (name) DO UPDATE
          SET digest = EXCLUDED.digest, scopes = EXCLUDED.scopes, created_at = now(),
              expires_at = EXCLUDED.expires_at, revoked_at = NULL`,
      [randomUUID(), name, digestOf(token), scopes, options.expiresAt],
    );
    return token;
  }

  /** @returns whether there was such a token */
  async revokeToken(name: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      'UPDATE admin_token SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL',
      [name],
    );
    return rowCount === 1;
  }

  /**
   * Whose token it is; null where it is nobody's, expired or revoked. It is looked up by its digest, so
   * how long that takes says nothing of the token.
   */
  async findAdministrator(token: string): Promise<Administrator | null> {
    const { rows } = await this.#pool.query<Administrator>(
      `SELECT name, scopes FROM admin_token
        WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
      [digestOf(token)],
    );
    return rows[0] ?? null;
  }

  /** Adds to the audit log, which nothing can be taken out of. */
  async record({ actor, act, outcome, installationId, detail = {} }: Act): Promise<void> {
    const installation = installationId === undefined ? null : this.#hasher.hash(installationId);
    await this.#pool.query(
      `INSERT INTO audit_log (actor, act, outcome, installation_hash, detail)
       VALUES ($1, $2, $3, $4, $5)`,
      [actor, act, outcome, installation, JSON.stringify(detail)],
    );
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
