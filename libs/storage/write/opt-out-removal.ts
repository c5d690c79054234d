import type pg from 'pg';
import { announce } from '../database/listener.js';
import { claimRollups } from '../rollups/lock.js';
import { markChanges } from '../rollups/dirty-days.js';
import { Tally } from './batch.js';
import type { Incumbent } from './deduplicate.js';
import { forgetOptedOut, installationKey } from './installations.js';
import { removeEvents } from './reports.js';
import { addTally } from './tallies.js';

/** Rows that one transaction looks at and removes: about half a second. */
const ROWS_AT_ONCE = 2000;
/** An agent's clock is not believed when it is more than a day ahead, so what happened later was not received earlier. */
const CLOCK_AHEAD = "interval '2 days'";

export type RemovedCopy = Incumbent & { product: string };

interface Change {
  installationId: string;
  product: string;
  receivedAt: number;
  observedAt: number;
}

/**
 * Whether an installation was opted out at a time: its latest consent event until then, ties by key, decides. An
 * event of the moment of an opt-out comes after it, one of the moment of an opt-in as well.
 */
export const wasOptedOut = (installation: string, time: string) => `
  coalesce((SELECT c.opted_out FROM consent_event c
             WHERE c.installation_id = ${installation}.installation_id
               AND c.product = ${installation}.product AND c.observed_at <= ${time}
             ORDER BY c.observed_at DESC, c.event_key DESC LIMIT 1), false)`;

/**
 * Removes stored events of installations that, by what is known now, were opted out when they happened. If there are
 * too many to look at in this transaction, or rollups of days whose reports have expired may be concerned, removes
 * none and records that a worker has to.
 * @param changes the events from whose time on the consent of their installations, which are locked, may have changed
 */
export async function removeOrDefer(
  tx: pg.ClientBase,
  changes: readonly Change[],
): Promise<RemovedCopy[]> {
  const earliest = earliestChanges(changes);
  if (earliest.length === 0) return [];
  const { rows } = await tx.query<StoredRow & { is_opted_out: boolean }>(
    `SELECT e.*, ${wasOptedOut('e', 'e.observed_at')} AS is_opted_out
       FROM (${STORED_SINCE} LIMIT ${ROWS_AT_ONCE + 1}) AS e`,
    timeColumns(earliest),
  );
  if (rows.length > ROWS_AT_ONCE || (await reachExpiredDays(tx, earliest))) {
    await defer(tx, earliest);
    return [];
  }
  const removed = rows.filter((row) => row.is_opted_out).map(toRemovedCopy);
  await removeEvents(tx, removed);
  return removed;
}

/** Whether reports of days since one of the changes have expired, whose rollups may remain. */
async function reachExpiredDays(tx: pg.ClientBase, changes: readonly Change[]): Promise<boolean> {
  const { rows } = await tx.query<{ product: string; floor: Date }>(
    `SELECT product, day::timestamp AT TIME ZONE 'UTC' AS floor FROM retention_floor
      WHERE product = ANY ($1::text[])`,
    [changes.map(({ product }) => product)],
  );
  const floors = new Map(rows.map(({ product, floor }) => [product, floor.getTime()]));
  return changes.some(({ product, observedAt }) => observedAt < (floors.get(product) ?? -Infinity));
}

/** Per installation, the earliest time and the latest receipt of its changes. */
function earliestChanges(changes: readonly Change[]): Change[] {
  const earliest = new Map<string, Change>();
  for (const change of changes) {
    const { receivedAt, observedAt } = earliest.get(installationKey(change)) ?? change;
    earliest.set(installationKey(change), {
      ...change,
      receivedAt: Math.max(receivedAt, change.receivedAt),
      observedAt: Math.min(observedAt, change.observedAt),
    });
  }
  return [...earliest.values()];
}

async function defer(tx: pg.ClientBase, changes: readonly Change[]): Promise<void> {
  await tx.query(
    `INSERT INTO opt_out_removal AS r (installation_id, product, since, received_at)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
     ON CONFLICT (installation_id, product) DO UPDATE
        SET since = least(r.since, excluded.since),
            received_at = greatest(r.received_at, excluded.received_at)`,
    [...timeColumns(changes), changes.map(({ receivedAt }) => new Date(receivedAt).toISOString())],
  );
  await announce(tx, 'work');
}

/** An installation whose events wait for their removal. */
export interface WaitingRemoval {
  installation_id: string;
  product: string;
}

/** Comes first in the transaction of a step: an erasure waits for it as for all that store events (`waitForWriters`). */
export const BEGIN_STEP =
  'SELECT pg_current_xact_id(); LOCK TABLE suppression IN ACCESS SHARE MODE;';

/** An erasure removes these rows itself. */
const IS_NOT_ERASED =
  'NOT EXISTS (SELECT FROM erasure_target t WHERE t.installation_id = r.installation_id)';

/** The one that has waited longest. */
export const NEXT_REMOVAL = `
  SELECT installation_id, product FROM opt_out_removal r
   WHERE ${IS_NOT_ERASED} ORDER BY requested_at LIMIT 1`;
const LOCK_REMOVAL = `
  SELECT since FROM opt_out_removal r
   WHERE installation_id = $1 AND product = $2 AND ${IS_NOT_ERASED} FOR UPDATE`;
/** A removal that fails, such as by a timeout, lets the others go first. */
export const POSTPONE_REMOVAL =
  'UPDATE opt_out_removal SET requested_at = now() WHERE installation_id = $1 AND product = $2';

/**
 * Removes a part of what waits for its removal, judged by the consent that is known now, and corrects the balance. The
 * last step ends the removal. Locks in the order of writers: installations, then what is counted.
 */
export async function removeStep(
  tx: pg.ClientBase,
  { installation_id, product }: WaitingRemoval,
): Promise<void> {
  const key = [installation_id, product];
  const { rowCount: hasExpiredDays } = await tx.query(HAS_EXPIRED_DAYS, key);
  if (hasExpiredDays) await claimRollups(tx); // first, as erasures do
  await tx.query(
    'SELECT FROM installation WHERE installation_id = $1 AND product = $2 FOR UPDATE',
    key,
  );
  const { rows: waiting } = await tx.query<{ since: Date }>(LOCK_REMOVAL, key);
  if (!waiting[0]) return;
  const { rows } = await tx.query<StoredRow>(
    `SELECT e.* FROM (${STORED_SINCE}) AS e
      WHERE ${wasOptedOut('e', 'e.observed_at')} LIMIT ${ROWS_AT_ONCE}`,
    [[installation_id], [product], [waiting[0].since.toISOString()]],
  );
  const removed = rows.map(toRemovedCopy);
  await removeEvents(tx, removed);
  await forgetOptedOut(tx, removed);
  await markChanges(
    tx,
    removed.map(({ observedAt }) => observedAt),
  );
  if (rows.length < ROWS_AT_ONCE) {
    if (hasExpiredDays) for (const table of DAY_TABLES) await tx.query(removeDays(table), key);
    await tx.query('DELETE FROM opt_out_removal WHERE installation_id = $1 AND product = $2', key);
  }
  const fates = new Tally();
  for (const event of removed) fates.add(event, 'opted_out').add(event, event.fate, -1);
  await addTally(tx, fates);
}

const HAS_EXPIRED_DAYS = `
  SELECT FROM opt_out_removal r JOIN retention_floor f USING (product)
   WHERE r.installation_id = $1 AND r.product = $2
     AND r.since < f.day::timestamp AT TIME ZONE 'UTC'`;

const DAY_TABLES = ['installation_day_events', 'installation_day'];

/**
 * Removes rollups of days whose reports have expired, which no refresh reads again: those days that began and ended
 * while the installation was opted out.
 */
const removeDays = (table: string) => `
  DELETE FROM ${table} d
   USING opt_out_removal r, retention_floor f
   WHERE r.installation_id = $1 AND r.product = $2 AND f.product = r.product
     AND d.installation_id = r.installation_id AND d.product = r.product
     AND d.day > (r.since AT TIME ZONE 'UTC')::date AND d.day < f.day
     AND ${wasOptedOut('d', `d.day::timestamp AT TIME ZONE 'UTC'`)}
     AND ${wasOptedOut('d', `(d.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond'`)}`;

interface StoredRow {
  installation_id: string;
  product: string;
  event_key: string;
  fate: Incumbent['fate'];
  received_at: Date;
  observed_at: Date;
  snapshot_id: string | null;
}

/**
 * Stored and quarantined events, without consent events, since a time. Looked up one installation after the other:
 * each has some reports of millions.
 */
const STORED_SINCE = `
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
         OFFSET 0) AS e`;

function toRemovedCopy(row: StoredRow): RemovedCopy {
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

/** Installation, product and time of events, each as a column. */
export function timeColumns(
  events: readonly { installationId: string; product: string; observedAt: number }[],
): [string[], string[], string[]] {
  return [
    events.map(({ installationId }) => installationId),
    events.map(({ product }) => product),
    events.map(({ observedAt }) => new Date(observedAt).toISOString()),
  ];
}
