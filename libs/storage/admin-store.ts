import { hash, randomBytes, randomUUID } from 'node:crypto';
import { listActs, recordAct, type Act, type RecordedAct } from './audit-log.js';
import type { Database } from './database/database.js';
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

/** An administrator's token as others see it. */
export interface AdminToken extends Administrator {
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

export interface AdminStoreOptions {
  database: Database;
  suppressionKey: string;
}

interface TokenRow extends Administrator {
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

const END_TOKEN =
  'UPDATE admin_token SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL';

/** Administrators and what they did. */
export class AdminStore {
  readonly #database: Database;
  readonly #hasher: InstallationHasher;

  constructor({ database, suppressionKey }: AdminStoreOptions) {
    this.#database = database;
    this.#hasher = new InstallationHasher(suppressionKey);
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
    const token = options.token ?? newToken();
    await this.#database.query(
      `INSERT INTO admin_token (token_id, name, digest, scopes, created_at, expires_at)
       VALUES ($1, $2, $3, $4, now(), $5)
       ON CONFLICT (name) DO UPDATE
          SET digest = EXCLUDED.digest, scopes = EXCLUDED.scopes, created_at = now(),
              expires_at = EXCLUDED.expires_at, revoked_at = NULL`,
      [randomUUID(), name, digestOf(token), scopes, options.expiresAt],
    );
    return token;
  }

  /**
   * Makes a token for another administrator. A name in use keeps its token: the audit log knows
   * administrators by their names.
   * @returns null where the name is in use
   */
  async issueToken(
    { name, scopes }: Administrator,
    expiresAt: Date | undefined,
    actor: string,
  ): Promise<{ token: AdminToken; secret: string } | null> {
    const secret = newToken();
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<TokenRow>(
        `INSERT INTO admin_token AS t (token_id, name, digest, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, now(), $5)
         ON CONFLICT (name) DO UPDATE
            SET digest = excluded.digest, scopes = excluded.scopes, created_at = now(),
                expires_at = excluded.expires_at, revoked_at = NULL
          WHERE t.revoked_at IS NOT NULL OR t.expires_at <= now()
         RETURNING *`,
        [randomUUID(), name, digestOf(secret), scopes, expiresAt],
      );
      const [row] = rows;
      if (!row) return null;
      const detail = { name, scopes };
      await recordAct(tx, this.#hasher, { actor, act: 'token.create', outcome: 'done', detail });
      return { token: toToken(row), secret };
    });
  }

  /** All tokens there are, by name. */
  async tokens(): Promise<AdminToken[]> {
    const { rows } = await this.#database.query<TokenRow>(
      'SELECT * FROM admin_token ORDER BY name',
    );
    return rows.map(toToken);
  }

  /** Ends a token. @returns null where there is none of that name */
  async endToken(name: string, actor: string): Promise<AdminToken | null> {
    return this.#database.transaction(async (tx) => {
      const { rowCount } = await tx.query(END_TOKEN, [name]);
      const detail = { name };
      const act = { actor, act: 'token.revoke', outcome: 'done', detail } as const;
      if (rowCount === 1) await recordAct(tx, this.#hasher, act);
      const { rows } = await tx.query<TokenRow>('SELECT * FROM admin_token WHERE name = $1', [
        name,
      ]);
      return rows[0] ? toToken(rows[0]) : null;
    });
  }

  /** @returns whether there was such a token */
  async revokeToken(name: string): Promise<boolean> {
    const { rowCount } = await this.#database.query(END_TOKEN, [name]);
    return rowCount === 1;
  }

  /**
   * Whose token it is; null where it is nobody's, expired or revoked. It is looked up by its digest, so
   * how long that takes says nothing of the token.
   */
  async findAdministrator(token: string): Promise<Administrator | null> {
    const { rows } = await this.#database.query<Administrator>(
      `SELECT name, scopes FROM admin_token
        WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
      [digestOf(token)],
    );
    return rows[0] ?? null;
  }

  /** Adds to the audit log, which nothing can be taken out of. */
  async record(act: Act): Promise<void> {
    await recordAct(this.#database, this.#hasher, act);
  }

  /** What is in the audit log, newest first. @param page where to go on, and how many at most */
  async acts(page: { limit: number; after?: string | undefined }): Promise<RecordedAct[]> {
    return listActs(this.#database, page);
  }
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

function newToken(): string {
  return `mat_${randomBytes(20).toString('hex')}`;
}

function toToken(row: TokenRow): AdminToken {
  return {
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}
