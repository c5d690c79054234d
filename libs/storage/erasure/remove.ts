import type pg from 'pg';
import { inStep, type Group } from './claim.js';
import type { RunContext } from './run.js';
import { partitionsOf, tablesOfInstallations } from './tables.js';

/** Rows of a table that go in one transaction: a few hundred milliseconds. */
const ROWS_AT_ONCE = 20_000;

/** Removes every row of the installations, a part at a time. */
export async function removeRows(group: Group, context: RunContext): Promise<void> {
  const { client, stopping } = context;
  const all = group.erasures.flatMap(({ installationIds }) => installationIds).sort();
  const tables = await tablesOfInstallations(client);
  await noteTables(client, group, tables);
  for (const table of tables) {
    for (const partition of await partitionsOf(client, table)) {
      // In the order of the ids, so that no part looks again at what the ones before have left dead.
      for (let ids = all; ids.length > 0;) {
        stopping?.throwIfAborted();
        const last = await removeSome(client, group, { table, partition, ids });
        ids = last === null ? [] : ids.slice(ids.indexOf(last));
      }
    }
  }
}

/** So that a certificate names every table that was looked into, also where nothing was found. */
async function noteTables(client: pg.ClientBase, group: Group, tables: readonly string[]) {
  const none = Object.fromEntries(tables.map((table) => [table, 0]));
  await inStep(client, group, (erasureIds) =>
    client.query('UPDATE erasure SET removed = $2::jsonb || removed WHERE erasure_id = ANY ($1)', [
      erasureIds,
      JSON.stringify(none),
    ]),
  );
}

/**
 * Removes a part of the rows and counts them, in one transaction.
 * @returns the installation where it stopped; null where it came to the end
 */
async function removeSome(
  client: pg.ClientBase,
  group: Group,
  { table, partition, ids }: { table: string; partition: string; ids: readonly string[] },
): Promise<string | null> {
  const { rows } = await inStep(client, group, (erasureIds) =>
    client.query<{ gone: number; last: string | null }>(
      `WITH gone AS (
         DELETE FROM ONLY ${partition}
          WHERE ctid = ANY (ARRAY(SELECT ctid FROM ONLY ${partition}
                                   WHERE installation_id = ANY ($2::uuid[])
                                   ORDER BY installation_id LIMIT ${ROWS_AT_ONCE}))
            AND installation_id = ANY ($2::uuid[])
         RETURNING installation_id),
       counted AS (
         SELECT erasure_id, count(*)::int AS count
           FROM gone JOIN erasure_target USING (installation_id)
          WHERE erasure_id = ANY ($1::uuid[]) GROUP BY 1),
       noted AS (
         UPDATE erasure e
            SET removed = jsonb_set(removed, ARRAY[$3::text],
                  to_jsonb(coalesce((removed->>$3)::int, 0) + counted.count))
           FROM counted WHERE e.erasure_id = counted.erasure_id)
       SELECT count(*)::int AS gone, max(installation_id::text) AS last FROM gone`,
      [erasureIds, ids, table],
    ),
  );
  const [part] = rows;
  return part && part.gone >= ROWS_AT_ONCE ? part.last : null;
}
