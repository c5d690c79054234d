import { setTimeout as sleep } from 'node:timers/promises';
import { inStep } from '../database/claims.js';
import type { Group } from './claim.js';
import type { RunContext } from './context.js';

/** Each attempt waits up to three seconds for a table that another process holds. */
const ATTEMPTS = 5;
const PAUSE_MS = 1000;

const HAS_ANY = `
  SELECT EXISTS (
    SELECT FROM pg_stats s CROSS JOIN LATERAL regexp_matches(
             concat(s.most_common_vals::text, ' ', s.histogram_bounds::text),
             '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') AS m(found)
     WHERE s.schemaname = 'public' AND s.tablename IN (
             SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
              WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'installation_id')
       AND m.found[1]::uuid = ANY ($1::uuid[])) AS has_any`;

/**
 * Removes the ids from the planner's statistics. These are samples, which keep values of removed rows until the
 * next one. A table that another process, such as maintenance, holds is tried again, but an erasure does not wait
 * for that process: then the ids remain until the table is analysed, as the certificate states.
 */
export async function forgetStatistics(
  group: Group,
  { client, stopping }: RunContext,
): Promise<void> {
  const ids = group.erasures.flatMap(({ installationIds }) => installationIds);
  for (let attempt = 1; ; attempt += 1) {
    await inStep(client, group, () => client.query('SELECT forget_statistics($1)', [ids]));
    const { rows } = await client.query<{ has_any: boolean }>(HAS_ANY, [ids]);
    if (!rows[0]?.has_any || attempt === ATTEMPTS) return;
    await sleep(PAUSE_MS, undefined, { signal: stopping });
  }
}
