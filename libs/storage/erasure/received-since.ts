/**
 * What stays where an erasure reaches only what was received until a time: the installation has sent events
 * since, which are no part of it.
 */
import { DESCRIPTION_OF_INSTALLATION } from '../database/installation-description.js';
import { inStep } from '../database/claims.js';
import { limitsOf, type Group } from './claim.js';
import type { RunContext } from './context.js';

/**
 * Makes the rows of installations again, from what was received since. A worker that stored events while a row was
 * missing did not know of the opt-outs that stay: the events after these are judged again.
 */
export async function restoreInstallations(group: Group, { client }: RunContext): Promise<void> {
  const ids = [...limitsOf(group).keys()];
  if (ids.length === 0) return;
  await inStep(client, group, async () => {
    await client.query(SIGHTINGS, [ids]);
    await client.query(JUDGE_AGAIN, [ids]);
    await client.query(
      `UPDATE installation i
          SET (described_at, described_by, origin_id) = ${DESCRIPTION_OF_INSTALLATION}
        WHERE installation_id = ANY ($1::uuid[]) AND described_at IS NULL`,
      [ids],
    );
  });
}

const SIGHTINGS = `
  INSERT INTO installation (installation_id, product, first_seen_at, last_seen_at, has_opted_out)
  SELECT installation_id, product, min(observed_at), max(observed_at),
         EXISTS (SELECT FROM consent_event c WHERE c.installation_id = seen.installation_id
                    AND c.product = seen.product AND c.opted_out)
    FROM (SELECT r.installation_id, o.product, r.observed_at
            FROM report r JOIN origin o USING (origin_id) WHERE r.installation_id = ANY ($1::uuid[])
           UNION ALL
          SELECT installation_id, product, observed_at
            FROM quarantined_event WHERE installation_id = ANY ($1::uuid[])) AS seen
   GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (installation_id, product) DO UPDATE
     SET first_seen_at = least(installation.first_seen_at, EXCLUDED.first_seen_at),
         last_seen_at = greatest(installation.last_seen_at, EXCLUDED.last_seen_at),
         has_opted_out = installation.has_opted_out OR EXCLUDED.has_opted_out`;

const JUDGE_AGAIN = `
  INSERT INTO opt_out_removal AS r (installation_id, product, since, received_at)
  SELECT installation_id, product, min(observed_at), max(received_at)
    FROM consent_event WHERE installation_id = ANY ($1::uuid[]) AND opted_out
   GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (installation_id, product) DO UPDATE
     SET since = least(r.since, excluded.since),
         received_at = greatest(r.received_at, excluded.received_at)`;

/** Has the days refreshed whose reports stay: an installation's rollups are removed as a whole. */
export async function markLeftDays(group: Group, { client }: RunContext): Promise<void> {
  const ids = [...limitsOf(group).keys()];
  if (ids.length === 0) return;
  await inStep(client, group, () =>
    client.query(
      `INSERT INTO rollup_change
       SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date + d
         FROM report, generate_series(0, 1) AS d WHERE installation_id = ANY ($1::uuid[])`,
      [ids],
    ),
  );
}
