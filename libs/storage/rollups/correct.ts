import type pg from 'pg';
import { locked, refreshStale } from './refresh.js';

/** Those whose rows a refresh makes. */
const TABLES = [
  'installation_day',
  'installation_day_events',
  'installation_latest',
  'installation_life',
];

/**
 * Takes installations out of the sums. To be called once their rows are gone from every table, before
 * that is certified: a refresh that was under way may have put days of theirs back, and the sums still
 * have them in. (Whoever deletes their days has marked which sums those are: a trigger does.)
 */
export async function correctRollups(
  client: pg.ClientBase,
  installationIds: readonly string[],
): Promise<void> {
  await locked(client, async () => {
    for (const table of TABLES) {
      await client.query(`DELETE FROM ${table} WHERE installation_id = ANY ($1::uuid[])`, [
        installationIds,
      ]);
    }
  });
  await refreshStale(client);
}
