import { hash, randomBytes, randomUUID } from 'node:crypto';
import type { AdminScope } from './admin-scopes.js';
import {
  listAuditRecords,
  recordAudit,
  type AuditEntry,
  type Actor,
  type AuditRecord,
} from '../database/audit-log.js';
import type { Database } from '../database/database.js';
import type { Queryable } from '../database/queryable.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { queryRecords, selectList } from '../database/records.js';

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

/** A token to be created for another administrator. */
export interface NewToken {
  name: string;
  scopes: readonly AdminScope[];
  /** How long it is valid, from now by the database's clock; if absent, for as long as its grantor. */
  lifeMs?: number | undefined;
}

const TOKEN = selectList<AdminToken>({
  id: 'token_id',
  name: 'name',
  scopes: 'scopes',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  revokedAt: 'revoked_at',
});

/** Names are compared without case: people would confuse them. Earlier releases may have stored such pairs. */
const FIND_BY_NAME = `
  SELECT ${TOKEN} FROM admin_token
   WHERE lower(name) = lower($1) ORDER BY name = $1 DESC LIMIT 1 FOR UPDATE`;

/** Two transactions must not create the same name at once. Does not block readers. */
const LOCK_NAMES = 'LOCK TABLE admin_token IN SHARE ROW EXCLUSIVE MODE';

const EXPIRY = `now() + $5::float8 * interval '1 millisecond'`;

/** Returns no row if the token was the same before. */
const PUT_TOKEN = `
  INSERT INTO admin_token AS t (token_id, name, digest, scopes, created_at, expires_at)
  VALUES ($1, $2, $3, $4, now(), ${EXPIRY})
  ON CONFLICT (name) DO UPDATE
     SET token_id = CASE t.digest WHEN excluded.digest THEN t.token_id ELSE excluded.token_id END,
         digest = excluded.digest, scopes = excluded.scopes, created_at = now(),
         expires_at = excluded.expires_at,
         revoked_at = CASE t.digest WHEN excluded.digest THEN t.revoked_at END
   WHERE (t.digest, t.scopes, t.expires_at) IS DISTINCT FROM
         (excluded.digest, excluded.scopes, excluded.expires_at)
  RETURNING ${TOKEN}`;

/** Returns no row if the token would outlive its grantor. */
const ISSUE_TOKEN = `
  INSERT INTO admin_token (token_id, name, digest, scopes, created_at, expires_at)
  SELECT $1, $2, $3, $4, now(), coalesce(${EXPIRY}, grantor.expires_at)
    FROM admin_token grantor
   WHERE grantor.token_id = $6 AND grantor.revoked_at IS NULL
     AND coalesce(${EXPIRY} <= grantor.expires_at, true)
  RETURNING ${TOKEN}`;

/** Administrators and what they did. */
export class AdminStore {
  readonly #database: Database;
  readonly #hasher: InstallationHasher;

  constructor({ database, suppressionKey }: AdminStoreOptions) {
    this.#database = database;
    this.#hasher = new InstallationHasher(suppressionKey);
  }

  /**
   * Creates a token on behalf of someone with access to the database. It replaces a token of the same name, in any
   * case, whose spelling stays. The token then has another id, unless it is the same
   * token; if that was revoked, it stays revoked.
   * @returns the token itself, which is not stored
   */
  async createToken(
    name: string,
    scopes: readonly AdminScope[],
    {
      actor,
      lifeMs,
      token = newToken(),
    }: { actor: Actor; lifeMs?: number | undefined; token?: string },
  ): Promise<string> {
    await this.#database.transaction(async (tx) => {
      await tx.query(LOCK_NAMES);
      const replaced = await findByName(tx, name);
      const values = [randomUUID(), replaced?.name ?? name, digestOf(token), scopes, lifeMs];
      const [created] = await queryRecords<AdminToken>(tx, PUT_TOKEN, values);
      if (created) await this.#recordCreation(tx, created, actor);
    });
    return token;
  }

  /**
   * Creates a token for another administrator. A name is never reused, not even that of a token that has ended:
   * people know administrators by their names.
   * @returns why not, if the name is taken, or the token would be valid for longer than the actor's
   */
  async issueToken(
    { name, scopes, lifeMs }: NewToken,
    actor: Administrator,
  ): Promise<{ token: AdminToken; secret: string } | 'taken' | 'outlives'> {
    const secret = newToken();
    return this.#database.transaction(async (tx) => {
      await tx.query(LOCK_NAMES);
      if (await findByName(tx, name)) return 'taken';
      const values = [randomUUID(), name, digestOf(secret), scopes, lifeMs, actor.id];
      const [token] = await queryRecords<AdminToken>(tx, ISSUE_TOKEN, values);
      if (!token) return 'outlives';
      await this.#recordCreation(tx, token, actor);
      return { token, secret };
    });
  }

  /** All tokens there are, by name. */
  async tokens(): Promise<AdminToken[]> {
    return queryRecords(this.#database, `SELECT ${TOKEN} FROM admin_token ORDER BY name`);
  }

  /**
   * Revokes a token.
   * @returns the token; or the first of its scopes that the actor lacks, and then it is not revoked; null
   * if no token has the name
   */
  async endToken(
    name: string,
    actor: Administrator,
  ): Promise<{ token: AdminToken } | { lacking: AdminScope } | null> {
    return this.#database.transaction(async (tx) => {
      const token = await findByName(tx, name);
      if (!token) return null;
      const lacking = token.scopes.find((scope) => !actor.scopes.includes(scope));
      if (lacking === undefined && token.revokedAt !== null) return { token };
      const outcome = lacking === undefined ? 'done' : 'refused';
      const detail = { tokenId: token.id, name: token.name };
      await recordAudit(tx, this.#hasher, { actor, act: 'token.revoke', outcome, detail });
      if (lacking !== undefined) return { lacking };
      const [revoked = token] = await queryRecords<AdminToken>(
        tx,
        `UPDATE admin_token SET revoked_at = now() WHERE token_id = $1 RETURNING ${TOKEN}`,
        [token.id],
      );
      return { token: revoked };
    });
  }

  async isRevoked(token: string): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      'SELECT FROM admin_token WHERE digest = $1 AND revoked_at IS NOT NULL',
      [digestOf(token)],
    );
    return rowCount === 1;
  }

  /**
   * The owner of a token; null if it is unknown, expired or revoked. Tokens are looked up by digest, so the
   * duration reveals nothing about them.
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
  async record(entry: AuditEntry): Promise<void> {
    await recordAudit(this.#database, this.#hasher, entry);
  }

  /** What is in the audit log, newest first. @param page where to go on, and how many at most */
  async auditLog(page: { limit: number; after?: string | undefined }): Promise<AuditRecord[]> {
    return listAuditRecords(this.#database, page);
  }

  async #recordCreation(tx: Queryable, token: AdminToken, actor: Actor): Promise<void> {
    const { id: tokenId, name, scopes, expiresAt } = token;
    const detail = { tokenId, name, scopes, expiresAt };
    await recordAudit(tx, this.#hasher, { actor, act: 'token.create', outcome: 'done', detail });
  }
}

/** Locks the token of a name, until the transaction ends. */
async function findByName(tx: Queryable, name: string): Promise<AdminToken | null> {
  const [token = null] = await queryRecords<AdminToken>(tx, FIND_BY_NAME, [name]);
  return token;
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
