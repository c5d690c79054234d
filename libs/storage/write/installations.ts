import type pg from 'pg';
import type { InstallationDescription } from '#telemetry';
import { DESCRIPTION_OF_INSTALLATION } from '../database/installation-description.js';
import type { IdentifiedEvent } from './batch.js';
import type { OriginOf } from './origins.js';

/** What a batch says of one installation. */
interface Sighting {
  installationId: string;
  product: string;
  firstSeenAt: number;
  lastSeenAt: number;
  latest: Described | null;
}

interface Described {
  at: number;
  by: bigint;
  originId: number;
  description: InstallationDescription;
}

/**
 * Locks the installations of a batch until its transaction ends, always in the same order, and makes
 * those that are new. (An upsert locks a row that it leaves alone.) What follows is alone with them:
 * two copies of an event are never looked at by two transactions at once.
 * @returns the installations (see `installationKey`) that have a stored opt-out. Their rows are updated, since
 * only then does an upsert return them; it sees the row that it has locked, even if another transaction wrote it.
 */
export async function lockInstallations(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
): Promise<Set<string>> {
  const sightings = collectSightings(events);
  if (sightings.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string; product: string; has_opted_out: boolean }>({
    name: 'lock-installations',
    text: `
      INSERT INTO installation AS i (installation_id, product, first_seen_at, last_seen_at)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
      ON CONFLICT (installation_id, product) DO UPDATE SET product = i.product WHERE i.has_opted_out
      RETURNING installation_id AS id, product, has_opted_out`,
    values: timeColumns(sightings),
  });
  const optedOut = rows.filter((row) => row.has_opted_out);
  return new Set(
    optedOut.map(({ id, product }) => installationKey({ installationId: id, product })),
  );
}

/** Identifies an installation of a product. */
export function installationKey(of: { installationId: string; product: string }): string {
  return `${of.installationId} ${of.product}`;
}

/**
 * Merges what events say of their installations, which are locked: earliest and latest observation,
 * and the description of the latest report that has one, ties by its key. Events that turned out to
 * be duplicates have no say. Minimum and maximum do not mind the order, and neither do the rows.
 */
export async function mergeSightings(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
  originOf: OriginOf,
): Promise<void> {
  const sightings = collectSightings(events, originOf);
  if (sightings.length === 0) return;
  const latest = sightings.map((sighting) => sighting.latest);
  await tx.query({
    name: 'merge-sightings',
    text: MERGE,
    values: [
      ...timeColumns(sightings),
      latest.map((it) => it && new Date(it.at).toISOString()),
      latest.map((it) => it?.by.toString() ?? null),
      latest.map((it) => it?.originId ?? null),
      latest.map((it) => it?.description.customerKey ?? null),
      latest.map((it) => it?.description.licenseId ?? null),
    ],
  });
}

const IS_LATER = `(s.described_at IS NOT NULL AND (i.described_at IS NULL OR
      (s.described_at, s.described_by) > (i.described_at, i.described_by)))`;
const DESCRIPTION = ['described_at', 'described_by', 'origin_id', 'customer_key', 'license_id'];

const MERGE = `
  UPDATE installation i
     SET first_seen_at = least(i.first_seen_at, s.first_seen_at),
         last_seen_at = greatest(i.last_seen_at, s.last_seen_at),
         ${DESCRIPTION.map((c) => `${c} = CASE WHEN ${IS_LATER} THEN s.${c} ELSE i.${c} END`).join(',\n         ')}
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
                $6::bigint[], $7::integer[], $8::text[], $9::text[])
         AS s(installation_id, product, first_seen_at, last_seen_at, ${DESCRIPTION.join(', ')})
   WHERE i.installation_id = s.installation_id AND i.product = s.product
     AND (s.first_seen_at < i.first_seen_at OR s.last_seen_at > i.last_seen_at OR ${IS_LATER})`;

type Sighted = Pick<IdentifiedEvent, 'installationId' | 'product' | 'observedAt' | 'eventKey'>;

/**
 * Corrects installations for copies that were superseded, whose rows are gone: times and descriptions that came from
 * them are read again from the remaining events. Customer key and licence, which reports do not keep, stay until the
 * next report.
 */
export async function forgetSightings(
  tx: pg.ClientBase,
  removed: readonly Sighted[],
): Promise<void> {
  await forget(tx, removed, FORGET_DESCRIPTION);
}

/**
 * The same for events of the time of an opt-out. Nothing of them may stay, and no report may follow, so customer key
 * and licence go too.
 */
export async function forgetOptedOut(
  tx: pg.ClientBase,
  removed: readonly Sighted[],
): Promise<void> {
  await forget(tx, removed, FORGET_DESCRIPTION_AND_CUSTOMER);
}

async function forget(
  tx: pg.ClientBase,
  superseded: readonly Sighted[],
  forgetDescription: string,
): Promise<void> {
  if (superseded.length === 0) return;
  const keys = [
    superseded.map(({ installationId }) => installationId),
    superseded.map(({ product }) => product),
    superseded.map(({ observedAt }) => new Date(observedAt).toISOString()),
    superseded.map(({ eventKey }) => eventKey),
  ];
  await tx.query(FORGET_TIMES, keys.slice(0, 3));
  await tx.query(forgetDescription, keys);
}

const FORGET_TIMES = `
  WITH gone AS (
    SELECT installation_id, product, array_agg(observed_at) AS times
      FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS g(installation_id, product, observed_at)
     GROUP BY 1, 2)
  UPDATE installation i
     SET first_seen_at = CASE WHEN i.first_seen_at = ANY (g.times) THEN coalesce(left_over.first, i.first_seen_at) ELSE i.first_seen_at END,
         last_seen_at = CASE WHEN i.last_seen_at = ANY (g.times) THEN coalesce(left_over.last, i.last_seen_at) ELSE i.last_seen_at END
    FROM gone g CROSS JOIN LATERAL (
         SELECT min(observed_at) AS first, max(observed_at) AS last
           FROM (SELECT r.observed_at FROM report r JOIN origin o USING (origin_id)
                  WHERE r.installation_id = g.installation_id AND o.product = g.product
                  UNION ALL
                 SELECT q.observed_at FROM quarantined_event q
                  WHERE q.installation_id = g.installation_id AND q.product = g.product
                  UNION ALL
                 SELECT c.observed_at FROM consent_event c
                  WHERE c.installation_id = g.installation_id AND c.product = g.product) AS e) AS left_over
   WHERE i.installation_id = g.installation_id AND i.product = g.product`;

const forgetDescription = (others = '') => `
  UPDATE installation i
     SET (described_at, described_by, origin_id) = ${DESCRIPTION_OF_INSTALLATION}${others}
    FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[])) AS g(installation_id, product, observed_at, event_key)
   WHERE i.installation_id = g.installation_id AND i.product = g.product
     AND i.described_at = g.observed_at AND i.described_by = g.event_key`;
const FORGET_DESCRIPTION = forgetDescription();
const FORGET_DESCRIPTION_AND_CUSTOMER = forgetDescription(
  ', customer_key = NULL, license_id = NULL',
);

/** One sighting per installation and product, in the order in which all writers lock them. */
function collectSightings(events: readonly IdentifiedEvent[], originOf?: OriginOf): Sighting[] {
  const sightings = new Map<string, Sighting>();
  for (const event of events) {
    const { installationId, product, observedAt } = event;
    const key = installationKey(event);
    const sighting = sightings.get(key) ?? {
      installationId,
      product,
      firstSeenAt: observedAt,
      lastSeenAt: observedAt,
      latest: null,
    };
    sighting.firstSeenAt = Math.min(sighting.firstSeenAt, observedAt);
    sighting.lastSeenAt = Math.max(sighting.lastSeenAt, observedAt);
    if (originOf) sighting.latest = laterOf(sighting.latest, describedBy(event, originOf));
    sightings.set(key, sighting);
  }
  return [...sightings].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sighting]) => sighting);
}

function describedBy(event: IdentifiedEvent, originOf: OriginOf): Described | null {
  if (event.fate !== 'stored' || !event.describes) return null;
  const { observedAt: at, eventKey, description } = event;
  return { at, by: BigInt(eventKey), originId: originOf(event), description };
}

function laterOf(a: Described | null, b: Described | null): Described | null {
  if (!a || !b) return a ?? b;
  return b.at > a.at || (b.at === a.at && b.by > a.by) ? b : a;
}

function timeColumns(sightings: readonly Sighting[]): [string[], string[], string[], string[]] {
  return [
    sightings.map(({ installationId }) => installationId),
    sightings.map(({ product }) => product),
    sightings.map(({ firstSeenAt }) => new Date(firstSeenAt).toISOString()),
    sightings.map(({ lastSeenAt }) => new Date(lastSeenAt).toISOString()),
  ];
}
