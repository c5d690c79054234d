import type { BlockRule, KnownKey, Policy, ProductPolicy } from '#telemetry';
import type { Database } from '../database/database.js';
import { announce } from '../database/listener.js';
import { InstallationHasher } from '../database/installation-hash.js';
import { BlockRules } from './block-rules.js';
import { PolicyChanges } from './changes.js';
import { ProductPolicies } from './product-policies.js';
import { WriteKeyStore } from './write-keys.js';

export interface PolicyStoreOptions {
  database: Database;
  /** Under which the audit log knows installations. */
  suppressionKey: string;
}

interface PolicyRow {
  revision: string;
  keys: KnownKey[];
  products: ProductPolicy[];
  blocks: BlockRule[];
}

/** One statement, so that all of it is of one moment, and the revision is that moment's. */
const READ = `
  SELECT revision,
    (SELECT coalesce(json_agg(json_build_object(
              'digest', encode(digest, 'hex'), 'product', product,
              'endsAt', trunc(extract(epoch FROM least(expires_at, revoked_at)) * 1000)) ORDER BY key_id), '[]')
       FROM ingest_key) AS keys,
    (SELECT coalesce(json_agg(json_build_object(
              'product', product, 'selfErasure', self_erasure, 'limits', json_build_object(
                'eventsPerMinutePerKey', key_events_per_minute,
                'eventsPerMinutePerInstallation', installation_events_per_minute)) ORDER BY product), '[]')
       FROM product_policy) AS products,
    (SELECT coalesce(json_agg(json_build_object(
              'product', product, 'event', event, 'version', version) ORDER BY block_id), '[]')
       FROM block_rule) AS blocks
  FROM policy_revision`;

/** The decisions of administrators. Redis holds a copy for ingest. */
export class PolicyStore {
  readonly keys: WriteKeyStore;
  readonly products: ProductPolicies;
  readonly blocks: BlockRules;
  readonly #database: Database;

  constructor({ database, suppressionKey }: PolicyStoreOptions) {
    this.#database = database;
    const changes = new PolicyChanges(database, new InstallationHasher(suppressionKey));
    this.keys = new WriteKeyStore(changes);
    this.products = new ProductPolicies(changes);
    this.blocks = new BlockRules(changes);
  }

  async revision(): Promise<number> {
    const { rows } = await this.#database.query<{ revision: string }>(
      'SELECT revision FROM policy_revision',
    );
    return Number(rows[0]?.revision ?? 0);
  }

  async read(): Promise<Policy> {
    const { rows } = await this.#database.query<PolicyRow>(READ);
    const [row] = rows;
    if (!row) throw new Error('The database has no revision of the policy.');
    return { ...row, revision: Number(row.revision) };
  }

  /**
   * Makes the revision higher than one that was published before. A revision is committed before it is
   * published; so where an older one stands here, the database was set back to a backup.
   */
  async overtake(published: number): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.query('UPDATE policy_revision SET revision = $1::bigint + 1 WHERE revision < $1', [
        published,
      ]);
      await announce(tx, 'policy');
    });
  }
}
