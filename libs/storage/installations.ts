import type pg from 'pg';
import type { InstallationDescription } from '#telemetry';
import { descriptionKey } from '#telemetry';
import type { IdentifiedEvent } from './batch.js';

interface Sighting {
  installationId: string;
  product: string;
  firstSeenAt: number;
  lastSeenAt: number;
  described: { at: number; key: bigint; description: InstallationDescription } | null;
}

/**
 * Merges what the events say of their installations, repeated ones too: earliest and latest
 * observation, and the description of the latest report that has one. Minimum and maximum do not
 * mind order and repetition, and neither do the rows.
 *
 * It also locks the installations of the batch until the transaction ends (an upsert locks the row
 * even where it leaves it as it is), always in the same order. What follows in the transaction is
 * alone with them: two copies of an event are never looked at by two transactions at once.
 */
export async function mergeInstallations(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
): Promise<void> {
  const sightings = [...collectSightings(events).values()].sort(inLockOrder);
  const described = sightings.map((sighting) => sighting.described);
  const column = (read: (description: InstallationDescription) => string | null) =>
    described.map((it) => it && read(it.description));
  await tx.query({
    name: 'merge-installations',
    text: MERGE,
    values: [
      sightings.map(({ installationId }) => installationId),
      sightings.map(({ product }) => product),
      sightings.map(({ firstSeenAt }) => new Date(firstSeenAt).toISOString()),
      sightings.map(({ lastSeenAt }) => new Date(lastSeenAt).toISOString()),
      described.map((it) => it && new Date(it.at).toISOString()),
      described.map((it) => it?.key.toString() ?? null),
      column(({ version }) => version),
      column(({ variant }) => variant),
      column(({ provider }) => provider),
      column(({ platform }) => platform),
      column(({ source }) => source),
      column(({ customerKey }) => customerKey),
      column(({ licenseId }) => licenseId),
    ],
  });
}

const DESCRIPTION = [
  'described_at',
  'description_key',
  'version',
  'variant',
  'provider',
  'platform',
  'source',
  'customer_key',
  'license_id',
];
const IS_NEWER = `(excluded.described_at IS NOT NULL AND (i.described_at IS NULL OR
      (excluded.described_at, excluded.description_key) > (i.described_at, i.description_key)))`;

const MERGE = `
  INSERT INTO installation AS i
         (installation_id, product, first_seen_at, last_seen_at, ${DESCRIPTION.join(', ')})
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[],
                       $5::timestamptz[], $6::bigint[], $7::text[], $8::text[], $9::text[],
                       $10::text[], $11::text[], $12::text[], $13::text[])
  ON CONFLICT (installation_id, product) DO UPDATE
     SET first_seen_at = least(i.first_seen_at, excluded.first_seen_at),
         last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at),
         ${DESCRIPTION.map((c) => `${c} = CASE WHEN ${IS_NEWER} THEN excluded.${c} ELSE i.${c} END`).join(',\n         ')}
   WHERE excluded.first_seen_at < i.first_seen_at
      OR excluded.last_seen_at > i.last_seen_at
      OR ${IS_NEWER}`;

function collectSightings(events: readonly IdentifiedEvent[]): Map<string, Sighting> {
  const sightings = new Map<string, Sighting>();
  for (const event of events) {
    const { installationId, product, observedAt } = event;
    const key = `${installationId} ${product}`;
    const sighting = sightings.get(key) ?? {
      installationId,
      product,
      firstSeenAt: observedAt,
      lastSeenAt: observedAt,
      described: null,
    };
    sighting.firstSeenAt = Math.min(sighting.firstSeenAt, observedAt);
    sighting.lastSeenAt = Math.max(sighting.lastSeenAt, observedAt);
    if (event.fate === 'stored' && event.description) {
      sighting.described = newerDescription(sighting.described, observedAt, event.description);
    }
    sightings.set(key, sighting);
  }
  return sightings;
}

/** The key makes a choice between descriptions of the same time that all workers make alike. */
function newerDescription(
  current: Sighting['described'],
  at: number,
  description: InstallationDescription,
): Sighting['described'] {
  if (current && at < current.at) return current;
  const key = BigInt(descriptionKey(description));
  if (!current || at > current.at) return { at, key, description };
  return key > current.key ? { at, key, description } : current;
}

function inLockOrder(a: Sighting, b: Sighting): number {
  const [left, right] = [a.installationId + a.product, b.installationId + b.product];
  return left < right ? -1 : 1;
}
