import type pg from 'pg';
import { rollupTables } from '../rollups/subtract.js';
import type { InstallationHasher } from '../database/installation-hash.js';

const IDS_AT_ONCE = 20_000;
/** Every installation in a partition or in a rollup is also in one of these. */
const MAIN = ['installation', 'installation_life'];

/**
 * Finds installations by their digests, by computing the digest of every id in the database: about 3 s for a million.
 * @param digests in base64url
 * @returns the ids that were found, by digest
 */
export async function findInstallations(
  client: pg.ClientBase,
  hasher: InstallationHasher,
  digests: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (digests.size === 0) return found;
  for (const table of await tablesToSearch(client)) {
    for (let after: string | null = null; ;) {
      const { rows }: pg.QueryResult<{ id: string }> = await client.query(
        `SELECT DISTINCT installation_id::text AS id, installation_id FROM ${table}
          WHERE $1::uuid IS NULL OR installation_id > $1 ORDER BY installation_id LIMIT ${IDS_AT_ONCE}`,
        [after],
      );
      for (const { id } of rows) {
        const digest = hasher.hash(id).toString('base64url');
        if (digests.has(digest)) found.set(digest, id);
      }
      after = rows.at(-1)?.id ?? null;
      if (rows.length < IDS_AT_ONCE) break;
    }
  }
  return found;
}

async function tablesToSearch(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relispartition
        AND attname = 'installation_id' AND NOT attisdropped
        AND relname <> ALL ($1) AND relname <> 'erasure_target'`,
    [[...MAIN, ...rollupTables]],
  );
  return [...MAIN, ...rows.map(({ name }) => name)];
}
