import type pg from 'pg';
import type { UnderstoodEvent } from '#telemetry';
import type { IdentifiedEvent } from './batch.js';
import type { Incumbent } from './deduplicate.js';
import { installationKey } from './installations.js';
import { keyColumns, removeSuperseded } from './reports.js';

/** Rows that one statement looks up and removes: a few hundred milliseconds. */
const REMOVED_AT_ONCE = 10_000;
/** An agent's clock is not believed when it is more than a day ahead, so what happened later was not received earlier. */
const CLOCK_AHEAD = "interval '2 days'";

type RemovedCopy = Incumbent & { product: string };

/**
 * Whether an installation was opted out at a time: its latest consent event until then, ties by key, decides. An
 * event of the moment of an opt-out comes after it, one of the moment of an opt-in as well.
 */
const wasOptedOut = (installation: string, time: string) => `
  coalesce((SELECT c.opted_out FROM consent_event c
             WHERE c.installation_id = ${installation}.installation_id
               AND c.product = ${installation}.product AND c.observed_at <= ${time}
             ORDER BY c.observed_at DESC, c.event_key DESC LIMIT 1), false)`;

/** What consent makes of the events of a batch that would be stored. */
export interface Consented {
  kept: readonly IdentifiedEvent[];
  /** Those whose installation was opted out when they happened. */
  optedOut: readonly IdentifiedEvent[];
  /** What was stored before the opt-out that it comes after arrived, and is removed now. */
  revoked: readonly RemovedCopy[];
}

/**
 * Writes the consent events among events that are to be stored, and judges all others by the consent that is known
 * then. Their installations are locked, and the rows that they supersede are gone.
 * @param haveOptedOut the installations of which an opt-out was stored before
 */
export async function applyConsents(
  tx: pg.ClientBase,
  { fresh, superseded, haveOptedOut }: Fresh,
): Promise<Consented> {
  const consents = fresh.filter(isConsent);
  await insertConsents(tx, consents);
  const optOuts = consents.filter(isOptOut);
  if (optOuts.length === 0 && haveOptedOut.size === 0) {
    return { kept: fresh, optedOut: [], revoked: [] };
  }
  const concerned = new Set([...haveOptedOut, ...optOuts.map(installationKey)]);
  const corrected = superseded.filter((copy) => concerned.has(installationKey(copy)));
  const revoked = await removeOptedOut(tx, [...optOuts, ...corrected]);
  const optedOut = await findOptedOut(tx, fresh, concerned);
  const kept = fresh.filter((event) => !optedOut.has(event));
  return { kept, optedOut: [...optedOut], revoked };
}

interface Fresh {
  fresh: readonly IdentifiedEvent[];
  superseded: readonly RemovedCopy[];
  haveOptedOut: ReadonlySet<string>;
}

/** Writes opt-outs and opt-ins. Their installations, which are locked, remember that they have opted out once. */
async function insertConsents(
  tx: pg.ClientBase,
  consents: readonly UnderstoodEvent[],
): Promise<void> {
  if (consents.length === 0) return;
  await tx.query(
    `INSERT INTO consent_event (installation_id, event_key, received_at, observed_at, product,
                                opted_out)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[],
                          $5::text[], $6::boolean[])`,
    [
      ...keyColumns(consents),
      consents.map(({ observedAt }) => new Date(observedAt).toISOString()),
      consents.map(({ product }) => product),
      consents.map(({ consent }) => consent === 'opted_out'),
    ],
  );
  const optOuts = consents.filter(isOptOut);
  if (optOuts.length === 0) return;
  await tx.query(
    `UPDATE installation i SET has_opted_out = true
       FROM unnest($1::uuid[], $2::text[]) AS o(id, product)
      WHERE i.installation_id = o.id AND i.product = o.product AND NOT i.has_opted_out`,
    [optOuts.map(({ installationId }) => installationId), optOuts.map(({ product }) => product)],
  );
}

/** Consent events are never among them. */
async function findOptedOut(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
  installations: ReadonlySet<string>,
): Promise<Set<IdentifiedEvent>> {
  const concerned = events.filter(
    (event) => !isConsent(event) && installations.has(installationKey(event)),
  );
  if (concerned.length === 0) return new Set();
  const { rows } = await tx.query<{ place: number }>(
    `SELECT e.place::int FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])
            WITH ORDINALITY AS e(installation_id, product, observed_at, place)
      WHERE ${wasOptedOut('e', 'e.observed_at')}`,
    timesOf(concerned),
  );
  return new Set(rows.flatMap(({ place }) => concerned[place - 1] ?? []));
}

/**
 * Removes stored events of installations that, by what is known now, were opted out when they happened.
 * @param changes the events from whose time on the consent of their installations may have changed
 */
async function removeOptedOut(
  tx: pg.ClientBase,
  changes: readonly { installationId: string; product: string; observedAt: number }[],
): Promise<RemovedCopy[]> {
  const earliest = new Map<string, (typeof changes)[number]>();
  for (const change of changes) {
    const key = installationKey(change);
    const known = earliest.get(key);
    if (!known || change.observedAt < known.observedAt) earliest.set(key, change);
  }
  const removed: RemovedCopy[] = [];
  while (earliest.size > 0) {
    const { rows } = await tx.query<RemovedRow>(
      STORED_WHILE_OPTED_OUT,
      timesOf([...earliest.values()]),
    );
    const some = rows.map(toRemovedCopy);
    await removeSuperseded(tx, some);
    removed.push(...some);
    if (rows.length < REMOVED_AT_ONCE) break;
  }
  return removed;
}

export function isConsent(event: IdentifiedEvent): event is UnderstoodEvent {
  return event.fate === 'stored' && event.consent !== undefined;
}

function isOptOut({ consent }: UnderstoodEvent): boolean {
  return consent === 'opted_out';
}

interface RemovedRow {
  installation_id: string;
  product: string;
  event_key: string;
  fate: Incumbent['fate'];
  received_at: Date;
  observed_at: Date;
  snapshot_id: string | null;
}

/** Looked up one installation after the other: each has some reports of millions. */
const STORED_WHILE_OPTED_OUT = `
  SELECT s.installation_id, s.product, e.*
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS s(installation_id, product, since)
   CROSS JOIN LATERAL (
         SELECT 'stored' AS fate, r.event_key, r.received_at, r.observed_at, r.snapshot_id
           FROM report r JOIN origin o USING (origin_id)
          WHERE r.installation_id = s.installation_id AND o.product = s.product
            AND r.observed_at >= s.since AND r.received_at >= s.since - ${CLOCK_AHEAD}
            AND NOT EXISTS (SELECT FROM consent_event c
                             WHERE c.installation_id = r.installation_id
                               AND c.event_key = r.event_key AND c.received_at = r.received_at)
          UNION ALL
         SELECT 'quarantined', q.event_key, q.received_at, q.observed_at, NULL
           FROM quarantined_event q
          WHERE q.installation_id = s.installation_id AND q.product = s.product
            AND q.observed_at >= s.since AND q.received_at >= s.since - ${CLOCK_AHEAD}
         OFFSET 0) AS e
   WHERE ${wasOptedOut('s', 'e.observed_at')}
   LIMIT ${REMOVED_AT_ONCE}`;

function toRemovedCopy(row: RemovedRow): RemovedCopy {
  return {
    installationId: row.installation_id,
    product: row.product,
    eventKey: row.event_key,
    fate: row.fate,
    receivedAt: row.received_at.getTime(),
    observedAt: row.observed_at.getTime(),
    snapshotId: row.snapshot_id ?? '',
  };
}

function timesOf(
  events: readonly { installationId: string; product: string; observedAt: number }[],
): [string[], string[], string[]] {
  return [
    events.map(({ installationId }) => installationId),
    events.map(({ product }) => product),
    events.map(({ observedAt }) => new Date(observedAt).toISOString()),
  ];
}
