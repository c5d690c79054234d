import { hash, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { nameOf, type Actor } from '../database/audit-log.js';
import { databaseTime } from '../database/database-time.js';
import { queryRecords, selectList } from '../database/records.js';
import type { PolicyChanges } from './changes.js';

/** A write key as administrators see it; the key itself is kept nowhere. */
export interface WriteKey {
  id: string;
  product: string;
  name: string | null;
  /** Its last four characters. */
  hint: string;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  revokedAt: string | null;
  /** The id of the key that a rotation made in its place. */
  replacedBy: string | null;
}

export interface NewWriteKey {
  key: WriteKey;
  secret: string;
}

export interface Rotation extends NewWriteKey {
  /** The old key, with its end. */
  replaces: WriteKey;
}

/** Why a key cannot be rotated. */
export type UnrotatableReason = 'revoked' | 'expired' | 'replaced';

const KEY = selectList<WriteKey>({
  id: 'key_id',
  product: 'product',
  name: 'name',
  hint: 'hint',
  createdAt: 'created_at',
  createdBy: 'created_by',
  expiresAt: 'expires_at',
  revokedAt: 'revoked_at',
  replacedBy: 'replaced_by',
});

const HOUR_MS = 3_600_000;

/** The write keys that administrators make and end. */
export class WriteKeyStore {
  constructor(private readonly changes: PolicyChanges) {}

  async create(product: string, name: string | null, actor: Actor): Promise<NewWriteKey> {
    return this.changes.make(actor, async (tx) => {
      const made = await insert(tx, { product, name, actor, secret: newSecret(product) });
      const { id, hint } = made.key;
      return { result: made, act: { act: 'key.create', detail: { keyId: id, product, hint } } };
    });
  }

  /** Makes keys of those that are not there yet. @param secrets product → key */
  async register(secrets: Readonly<Record<string, string>>, actor: Actor): Promise<void> {
    await this.changes.make(actor, async (tx) => {
      const products: string[] = [];
      for (const [product, secret] of Object.entries(secrets)) {
        const { rowCount } = await tx.query('SELECT FROM ingest_key WHERE digest = $1', [
          digestOf(secret),
        ]);
        if (rowCount) continue;
        await insert(tx, { product, name: nameOf(actor), actor, secret });
        products.push(product);
      }
      const act = products.length > 0 ? { act: 'key.register', detail: { products } } : null;
      return { result: undefined, act };
    });
  }

  /** Newest first. */
  async list(product?: string): Promise<WriteKey[]> {
    return queryRecords<WriteKey>(
      this.changes.database,
      `SELECT ${KEY} FROM ingest_key WHERE $1::text IS NULL OR product = $1
        ORDER BY created_at DESC, key_id`,
      [product],
    );
  }

  /**
   * Makes a key that takes the place of another, which still works for a while.
   * @returns null where there is no such key; why not where it has ended or was replaced before
   */
  async rotate(
    keyId: string,
    overlapHours: number,
    actor: Actor,
  ): Promise<Rotation | UnrotatableReason | null> {
    return this.changes.make<Rotation | UnrotatableReason | null>(actor, async (tx) => {
      const old = await find(tx, keyId);
      if (!old) return { result: null, act: null };
      const unrotatable = whyUnrotatable(old, await databaseTime(tx));
      if (unrotatable !== null) return { result: unrotatable, act: null };
      const { product, name } = old;
      const made = await insert(tx, { product, name, actor, secret: newSecret(product) });
      const [replaces = old] = await queryRecords<WriteKey>(
        tx,
        `UPDATE ingest_key
            SET replaced_by = $2, expires_at = least(expires_at, now() + $3 * interval '1 ms')
          WHERE key_id = $1 RETURNING ${KEY}`,
        [keyId, made.key.id, Math.round(overlapHours * HOUR_MS)],
      );
      const detail = { keyId, replacedBy: made.key.id, product, overlapHours };
      return { result: { ...made, replaces }, act: { act: 'key.rotate', detail } };
    });
  }

  /** Ends a key. @returns null where there is no such key */
  async revoke(keyId: string, actor: Actor): Promise<WriteKey | null> {
    return this.changes.make(actor, async (tx) => {
      const key = await find(tx, keyId);
      if (key?.revokedAt !== null) return { result: key, act: null };
      const [revoked = key] = await queryRecords<WriteKey>(
        tx,
        `UPDATE ingest_key SET revoked_at = now() WHERE key_id = $1 RETURNING ${KEY}`,
        [keyId],
      );
      const { product, hint } = key;
      const act = { act: 'key.revoke', detail: { keyId, product, hint } };
      return { result: revoked, act };
    });
  }
}

async function insert(
  tx: pg.ClientBase,
  {
    product,
    name,
    actor,
    secret,
  }: { product: string; name: string | null; actor: Actor; secret: string },
): Promise<NewWriteKey> {
  const [key] = await queryRecords<WriteKey>(
    tx,
    `INSERT INTO ingest_key (key_id, product, name, digest, hint, created_at, created_by)
     VALUES ($1, $2, $3, $4, $5, now(), $6) RETURNING ${KEY}`,
    [randomUUID(), product, name, digestOf(secret), secret.slice(-4), nameOf(actor)],
  );
  return { key: key as WriteKey, secret };
}

async function find(tx: pg.ClientBase, keyId: string): Promise<WriteKey | null> {
  const [key = null] = await queryRecords<WriteKey>(
    tx,
    `SELECT ${KEY} FROM ingest_key WHERE key_id = $1`,
    [keyId],
  );
  return key;
}

function whyUnrotatable(
  { revokedAt, expiresAt, replacedBy }: WriteKey,
  now: number,
): UnrotatableReason | null {
  if (revokedAt !== null) return 'revoked';
  if (replacedBy !== null) return 'replaced';
  return expiresAt !== null && Date.parse(expiresAt) <= now ? 'expired' : null;
}

/** It begins with its product, for people who find one and wonder whose it is; then 160 random bits. */
function newSecret(product: string): string {
  return `wk_${product}_${randomBytes(20).toString('hex')}`;
}

function digestOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}
