import type pg from 'pg';
import type {
  NormalisedEvent,
  QuarantinedEvent,
  UnderstoodEvent,
  UnidentifiedEvent,
} from '#telemetry';
import type { IdentifiedEvent } from './batch.js';
import { Tally } from './batch.js';
import type { Incumbent } from './deduplicate.js';
import { areCopies, compareCopies, copyKey, firstCopies } from './deduplicate.js';
import {
  forgetOptedOut,
  forgetSightings,
  installationKey,
  lockInstallations,
  mergeSightings,
} from './installations.js';
import { applyConsents, isConsent } from './opt-outs.js';
import type { OriginOf } from './origins.js';
import { isRefusal } from '../database/postgres-errors.js';
import { findIncumbents, insertReports, removeEvents } from './reports.js';
import { markChanges } from '../rollups/dirty-days.js';
import { insertDefects, insertQuarantined } from './quarantined.js';
import type { KnownSnapshots } from './snapshots.js';
import { removeNewSnapshots, writeSnapshots } from './snapshots.js';
import { countUnidentified } from './tallies.js';

export interface SaveContext {
  /** In the transaction of the events' batch. */
  tx: pg.ClientBase;
  originOf: OriginOf;
  snapshots: KnownSnapshots;
  /**
   * For replays: removes the quarantined events, once their installations are locked, and returns those that still
   * existed. Only these are stored.
   */
  takeOut?: (events: readonly IdentifiedEvent[]) => Promise<readonly IdentifiedEvent[]>;
}

/** What a transaction has written, once it is committed. */
export interface Written {
  reports: readonly UnderstoodEvent[];
  /** The ids of snapshots, also of those that no report refers to in the end. */
  contentIds: readonly string[];
}

export interface Saved extends Written {
  fates: Tally;
}

export const NOTHING: Written = { reports: [], contentIds: [] };

/**
 * Writes the rows of events and counts their fates. Locks are taken in one order by all: snapshots,
 * installations, and last what is counted.
 */
export async function saveEvents(
  events: readonly NormalisedEvent[],
  { tx, originOf, snapshots, takeOut }: SaveContext,
): Promise<Saved> {
  const identified = events.filter(isIdentified);
  const { first: locked, repeated } = firstCopies(identified);
  const written = await writeSnapshots(tx, locked.filter(isUnderstood), snapshots);
  const haveOptedOut = await lockInstallations(tx, locked);
  const first = takeOut ? await takeOut(locked) : locked;
  const { fresh, duplicates, superseded } = judge(first, await findIncumbents(tx, first));
  await removeEvents(tx, superseded);
  const { kept, optedOut, revoked } = await applyConsents(tx, { fresh, superseded, haveOptedOut });
  await mergeSightings(tx, kept, originOf);
  const understood = kept.filter(isUnderstood);
  await insertReports(tx, understood, originOf);
  await insertDefects(tx, understood, originOf);
  await insertQuarantined(tx, kept.filter(isQuarantined));
  const optedOutKeys = new Set(optedOut.map(copyKey));
  await forgetSightings(
    tx,
    superseded.filter((event) => !optedOutKeys.has(copyKey(event))),
  );
  // The lock made the row of a new installation from all of its events; what is replayed was sighted before.
  const sighted = optedOut.filter(
    (event) => takeOut !== undefined || !haveOptedOut.has(installationKey(event)),
  );
  const withdrawn = superseded.filter((event) => optedOutKeys.has(copyKey(event)));
  await forgetOptedOut(tx, [...withdrawn, ...revoked, ...sighted]);
  await markChanges(
    tx,
    [...understood, ...superseded, ...revoked].map(({ observedAt }) => observedAt),
  );

  const dropped = optedOut.filter(isUnderstood);
  await removeNewSnapshots(tx, written, { dropped, kept: understood });

  const unidentified = events.filter(isUnidentified);
  await countUnidentified(tx, unidentified);

  const fates = new Tally();
  for (const event of kept) fates.add(event, event.fate);
  for (const event of optedOut) fates.add(event, 'opted_out');
  for (const event of [...repeated, ...duplicates]) {
    fates.add(event, optedOutKeys.has(copyKey(event)) ? 'opted_out' : 'duplicate');
  }
  for (const event of superseded) fates.add(event, 'duplicate').add(event, event.fate, -1);
  for (const event of revoked) fates.add(event, 'opted_out').add(event, event.fate, -1);
  for (const event of unidentified) fates.add(event, 'quarantined');
  for (const event of events) {
    if (isOnlyCounted(event)) fates.add(event, event.fate);
  }
  return { fates, reports: understood, contentIds: [...written] };
}

/**
 * The same where the database refuses something in these events: halves them until what it refuses
 * stands alone, and quarantines that one event. The halves lock their installations one after the
 * other, so this may end in a deadlock with another writer; then the batch is saved again. Consent events come
 * first: the others are judged by them.
 */
export async function saveEventsApart(
  events: readonly NormalisedEvent[],
  context: SaveContext,
): Promise<Saved> {
  const isFirst = (event: NormalisedEvent) => isIdentified(event) && isConsent(event);
  const others = events.filter((event) => !isFirst(event));
  return saveHalves([...events.filter(isFirst), ...others], context);
}

async function saveHalves(
  events: readonly NormalisedEvent[],
  context: SaveContext,
): Promise<Saved> {
  const saved = await attempt(events, context);
  if (saved) return saved;
  const [only] = events;
  if (events.length === 1 && only) return saveRefused(only, context);
  const middle = Math.ceil(events.length / 2);
  const left = await saveHalves(events.slice(0, middle), context);
  const right = await saveHalves(events.slice(middle), context);
  return {
    fates: left.fates.merge(right.fates),
    reports: [...left.reports, ...right.reports],
    contentIds: [...left.contentIds, ...right.contentIds],
  };
}

/** Null where the database refused the events; then nothing of them is written. */
async function attempt(
  events: readonly NormalisedEvent[],
  context: SaveContext,
): Promise<Saved | null> {
  await context.tx.query('SAVEPOINT attempt');
  try {
    const saved = await saveEvents(events, context);
    await context.tx.query('RELEASE SAVEPOINT attempt');
    return saved;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await context.tx.query('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
    return null;
  }
}

async function saveRefused(event: NormalisedEvent, context: SaveContext): Promise<Saved> {
  const rejection = { reason: 'refused_by_store', path: '' } as const;
  if (isIdentified(event)) {
    const { product, installationId, eventKey, receivedAt, observedAt, keep } = event;
    const identity = { product, installationId, eventKey, receivedAt, observedAt };
    const { version } = event.fate === 'stored' ? event.description : event;
    const kept = await attempt(
      [{ fate: 'quarantined', ...identity, ...rejection, event: keep().event, version, keep }],
      context,
    );
    if (kept) return kept;
  }
  // A quarantined event stays where it is.
  if (context.takeOut) return { fates: new Tally(), ...NOTHING };
  const { product, receivedAt } = event;
  return saveEvents([{ fate: 'unidentified', product, receivedAt, rejection, keys: [] }], context);
}

/** Which of the copies that count in a batch count in the database. */
function judge(first: readonly IdentifiedEvent[], incumbents: readonly Incumbent[]) {
  const known = new Map<string, Incumbent[]>();
  for (const incumbent of incumbents) {
    const key = copyKey(incumbent);
    known.set(key, [...(known.get(key) ?? []), incumbent]);
  }
  const fresh: IdentifiedEvent[] = [];
  const duplicates: IdentifiedEvent[] = [];
  const superseded: (Incumbent & { product: string })[] = [];
  for (const event of first) {
    const copies = (known.get(copyKey(event)) ?? []).filter((copy) => areCopies(copy, event));
    if (copies.some((copy) => compareCopies(copy, event) <= 0)) {
      duplicates.push(event);
      continue;
    }
    fresh.push(event);
    for (const copy of copies) superseded.push({ ...copy, product: event.product });
  }
  return { fresh, duplicates, superseded };
}

function isUnderstood(event: NormalisedEvent): event is UnderstoodEvent {
  return event.fate === 'stored';
}

function isQuarantined(event: NormalisedEvent): event is QuarantinedEvent {
  return event.fate === 'quarantined';
}

function isUnidentified(event: NormalisedEvent): event is UnidentifiedEvent {
  return event.fate === 'unidentified';
}

/** Whether nothing of the event is stored but its fate. */
export function isOnlyCounted(
  event: NormalisedEvent,
): event is Extract<NormalisedEvent, { fate: 'empty' | 'suppressed' | 'blocked' }> {
  return event.fate === 'empty' || event.fate === 'suppressed' || event.fate === 'blocked';
}

function isIdentified(event: NormalisedEvent): event is IdentifiedEvent {
  return isUnderstood(event) || isQuarantined(event);
}
