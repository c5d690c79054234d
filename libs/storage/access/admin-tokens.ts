import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { AdminScope } from './admin-scopes.js';
import {
  listActs,
  recordAct,
  type Act,
  type Actor,
  type RecordedAct,
} from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import { InstallationHasher } from '../database/installation-hash.js';

/** Who asks: the token's id and name, and what it may do. */
export interface Administrator {
  id: string;
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

/** A token to be made for another administrator. */
export interface NewToken {
  name: string;
  scopes: readonly AdminScope[];
  /** How long it is valid, from now by the database's clock; for ever when absent. */
  lifeMs?: number | undefined;
}

interface TokenRow {
  token_id: string;
  name: string;
  scopes: readonly AdminScope[];
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

const END_TOKEN =
  'UPDATE admin_token SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL';

/** Names of the same letters in another case would be taken for each other. */
const EXPIRY = `now() + $5::float8 * interval '1 millisecond'`;
const ISSUE_TOKEN = `
  INSERT INTO admin_token (token_id, name, digest, scopes, created_at, expires_at)
  SELECT $1, $2::text, $3, $4, now(), ${EXPIRY}
   WHERE NOT EXISTS (SELECT FROM admin_token WHERE lower(name) = lower($2))
      ON CONFLICT (name) DO NOTHING
  RETURNING *`;

/** Administrators and what they did. */
export class AdminStore {
  readonly #database: Database;
  readonly #hasher: InstallationHasher;

  constructor({ database, suppressionKey }: AdminStoreOptions) {
    this.#database = database;
    this.#hasher = new InstallationHasher(suppressionKey);
  }

  /**
   * Makes a token, for whoever has the database. It replaces a token of the same name, and has another
   * id then, unless it is the same token; if that was revoked, it stays revoked.
   * @returns the token itself, which is kept nowhere
   */
  async createToken(
    name: string,
    scopes: readonly AdminScope[],
    options: { lifeMs?: number | undefined; token?: string } = {},
  ): Promise<string> {
    const token = options.token ?? newToken();
    await this.#database.query(
      `INSERT INTO admin_token AS t (token_id, name, digest, scopes, created_at, expires_at)
       VALUES ($1, $2, $3, $4, now(), ${EXPIRY})
       ON CONFLICT (name) DO UPDATE
          SET token_id = CASE t.digest WHEN excluded.digest THEN t.token_id ELSE excluded.token_id END,
              digest = excluded.digest, scopes = excluded.scopes, created_at = now(),
              expires_at = excluded.expires_at,
              revoked_at = CASE t.digest WHEN excluded.digest THEN t.revoked_at END`,
      [randomUUID(), name, digestOf(token), scopes, options.lifeMs],
    );
    return token;
  }

  /**
   * Makes a token for another administrator. No name is given twice, not even that of a token that has
   * ended: people know administrators by their names.
   * @returns null where the name is taken
   */
  async issueToken(
    { name, scopes, lifeMs }: NewToken,
    actor: Actor,
  ): Promise<{ token: AdminToken; secret: string } | null> {
    const secret = newToken();
    return this.#database.transaction(async (tx) => {
      const values = [randomUUID(), name, digestOf(secret), scopes, lifeMs];
      const { rows } = await tx.query<TokenRow>(ISSUE_TOKEN, values);
      if (!rows[0]) return null;
      const token = toToken(rows[0]);
      const detail = { tokenId: token.id, name, scopes };
      await recordAct(tx, this.#hasher, { actor, act: 'token.create', outcome: 'done', detail });
      return { token, secret };
    });
  }

  /** All tokens there are, by name. */
  async tokens(): Promise<AdminToken[]> {
    const { rows } = await this.#database.query<TokenRow>(
      'SELECT * FROM admin_token ORDER BY name',
    );
    return rows.map(toToken);
  }

  /**
   * Ends a token.
   * @returns the token; or the first of its scopes that the actor lacks, and then it has not ended; null
   * where no token has the name
   */
  async endToken(
    name: string,
    actor: Administrator,
  ): Promise<{ token: AdminToken } | { lacking: AdminScope } | null> {
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<TokenRow>(
        'SELECT * FROM admin_token WHERE name = $1 FOR UPDATE',
        [name],
      );
      const [row] = rows;
      if (!row) return null;
      const detail = { tokenId: row.token_id, name };
      const lacking = row.scopes.find((scope) => !actor.scopes.includes(scope));
      const outcome = lacking === undefined ? 'done' : 'refused';
      const act = { actor, act: 'token.revoke', outcome, detail } as const;
      if (lacking !== undefined) {
        await recordAct(tx, this.#hasher, act);
        return { lacking };
      }
      const { rowCount } = await tx.query(END_TOKEN, [name]);
      if (rowCount === 1) await recordAct(tx, this.#hasher, act);
      const { rows: ended } = await tx.query<TokenRow>(
        'SELECT * FROM admin_token WHERE name = $1',
        [name],
      );
      return { token: toToken(ended[0] ?? row) };
    });
  }

  async isRevoked(token: string): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      'SELECT FROM admin_token WHERE digest = $1 AND revoked_at IS NOT NULL',
      [digestOf(token)],
    );
    return rowCount === 1;
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
      `SELECT token_id AS id, name, scopes FROM admin_token
        WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
      [digestOf(token)],
    );
    return rows[0] ?? null;
  }

  /** The digests of all tokens that have not ended. */
  async tokenDigests(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ digest: Buffer }>(
      `SELECT digest FROM admin_token
        WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    );
    return new Set(rows.map(({ digest }) => digest.toString('hex')));
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

/** The SHA-256 under which a token is known, in hex. */
export function digestOfToken(token: string): string {
  return hash('sha256', token, 'hex');
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

function newToken(): string {
  return `mat_${randomBytes(20).toString('hex')}`;
}

function toToken(row: TokenRow): AdminToken {
  return {
    id: row.token_id,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}
