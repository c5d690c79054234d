import type pg from 'pg';
import type { UnderstoodEvent } from '#telemetry';
import type { IdentifiedEvent } from './batch.js';
import { adoptConsents } from './former-consents.js';
import { installationKey } from './installations.js';
import { removeOrDefer, timeColumns, wasOptedOut, type RemovedCopy } from './opt-out-removal.js';
import { keyColumns } from './reports.js';

/** What consent makes of the events of a batch that would be stored. */
export interface Consented {
  kept: readonly IdentifiedEvent[];
  /** Those whose installation was opted out when they happened. */
  optedOut: readonly IdentifiedEvent[];
  /** Stored before the opt-out that they come after arrived, and removed now; more of them are removed later. */
  revoked: readonly RemovedCopy[];
}

/**
 * Writes the consent events among events that are to be stored, and judges all others by the consent that is known
 * then. Their installations are locked, and the rows that they supersede are gone.
 * @param haveOptedOut the installations that have a stored opt-out
 */
export async function applyConsents(
  tx: pg.ClientBase,
  { fresh, superseded, haveOptedOut }: Fresh,
): Promise<Consented> {
  const consents = fresh.filter(isConsent);
  await insertConsents(tx, consents);
  const adopted = await adoptConsents(tx, fresh);
  const optOuts = [...consents.filter(isOptOut), ...adopted.filter((it) => it.isOptOut)];
  await rememberOptOuts(tx, optOuts);
  if (optOuts.length === 0 && haveOptedOut.size === 0) {
    return { kept: fresh, optedOut: [], revoked: [] };
  }
  const concerned = new Set([...haveOptedOut, ...optOuts.map(installationKey)]);
  const corrected = superseded.filter((copy) => concerned.has(installationKey(copy)));
  const revoked = await removeOrDefer(tx, [...optOuts, ...corrected]);
  const optedOut = await findOptedOut(tx, fresh, concerned);
  const kept = fresh.filter((event) => !optedOut.has(event));
  return { kept, optedOut: [...optedOut], revoked };
}

interface Fresh {
  fresh: readonly IdentifiedEvent[];
  superseded: readonly RemovedCopy[];
  haveOptedOut: ReadonlySet<string>;
}

/** Writes opt-outs and opt-ins. */
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
}

/** The installations, which are locked, remember that they have opted out once. */
async function rememberOptOuts(
  tx: pg.ClientBase,
  optOuts: readonly { installationId: string; product: string }[],
): Promise<void> {
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
    timeColumns(concerned),
  );
  return new Set(rows.flatMap(({ place }) => concerned[place - 1] ?? []));
}

export function isConsent(event: IdentifiedEvent): event is UnderstoodEvent {
  return event.fate === 'stored' && event.consent !== undefined;
}

function isOptOut({ consent }: UnderstoodEvent): boolean {
  return consent === 'opted_out';
}
