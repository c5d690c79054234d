import type pg from 'pg';
import { markChanges } from '../rollups/dirty-days.js';
import type { IdentifiedEvent } from './batch.js';

export interface AdoptedConsent {
  installationId: string;
  product: string;
  receivedAt: number;
  observedAt: number;
  isOptOut: boolean;
}

interface ConsentRow {
  installation_id: string;
  product: string;
  received_at: Date;
  observed_at: Date;
  opted_out: boolean;
}

/**
 * Copies the consent events that an earlier release stored under a former id of an installation, so that they apply to
 * all its events, whichever form of the id these have. The installations are locked.
 * @returns the copies that are new
 */
export async function adoptConsents(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
): Promise<AdoptedConsent[]> {
  const pairs = events.flatMap(({ installationId, product, formerIds = [] }) =>
    formerIds.map((formerId) => ({ installationId, product, formerId })),
  );
  if (pairs.length === 0) return [];
  const { rows } = await tx.query<ConsentRow>(
    `INSERT INTO consent_event (installation_id, event_key, received_at, observed_at, product, opted_out)
     SELECT DISTINCT i.id, c.event_key, c.received_at, c.observed_at, c.product, c.opted_out
       FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS i(id, product, former_id)
       JOIN consent_event c ON c.installation_id = i.former_id AND c.product = i.product
     ON CONFLICT DO NOTHING
     RETURNING installation_id, product, received_at, observed_at, opted_out`,
    [
      pairs.map(({ installationId }) => installationId),
      pairs.map(({ product }) => product),
      pairs.map(({ formerId }) => formerId),
    ],
  );
  await markChanges(
    tx,
    rows.map(({ observed_at }) => observed_at.getTime()),
  );
  return rows.map((row) => ({
    installationId: row.installation_id,
    product: row.product,
    receivedAt: row.received_at.getTime(),
    observedAt: row.observed_at.getTime(),
    isOptOut: row.opted_out,
  }));
}
