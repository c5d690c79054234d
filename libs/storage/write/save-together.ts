import type pg from 'pg';
import type { NormalisedEvent } from '#telemetry';
import { markChanges } from '../rollups/dirty-days.js';
import type { IdentifiedEvent } from './batch.js';
import { Tally } from './batch.js';
import { compareWithStored, copyKey, firstCopies } from './deduplicate.js';
import {
  isIdentified,
  isOnlyCounted,
  isQuarantined,
  isUnderstood,
  isUnidentified,
} from './event-kinds.js';
import {
  forgetOptedOut,
  forgetSightings,
  installationKey,
  lockInstallations,
  mergeSightings,
} from './installations.js';
import type { RemovedCopy } from './opt-out-removal.js';
import { applyConsents } from './opt-outs.js';
import type { OriginOf } from './origins.js';
import { insertDefects, insertQuarantined } from './quarantined.js';
import type { TransactionReferences, Written } from './references.js';
import { findIncumbents, insertReports, removeEvents } from './reports.js';
import { removeNewSnapshots, writeSnapshots } from './snapshots.js';
import { countUnidentified } from './tallies.js';

export interface SaveContext {
  /** In the transaction of the events' batch. */
  tx: pg.ClientBase;
  references: TransactionReferences;
  /**
   * For replays: removes the quarantined events, once their installations are locked, and returns those that still
   * existed. Only these are stored.
   */
  takeOut?: (events: readonly IdentifiedEvent[]) => Promise<readonly IdentifiedEvent[]>;
}

export interface Saved extends Written {
  fates: Tally;
}

/** What becomes of the identified events of a batch, and of stored events because of them. */
interface Verdict {
  /** Stored or quarantined. */
  kept: readonly IdentifiedEvent[];
  /** Happened while their installation was opted out. */
  optedOut: readonly IdentifiedEvent[];
  /** Copies of another event of the batch. */
  repeated: readonly IdentifiedEvent[];
  /** Copies of a stored event. */
  duplicates: readonly IdentifiedEvent[];
  /** Stored events that were received after a copy in the batch, which replaces them. */
  superseded: readonly RemovedCopy[];
  /** Stored events that an opt-out in the batch removes. */
  revoked: readonly RemovedCopy[];
}

/**
 * Writes the rows of events and counts their fates, each step for all events at once. Locks are taken in one order by
 * all: snapshots, installations, and last what is counted.
 */
export async function saveTogether(
  events: readonly NormalisedEvent[],
  { tx, references: { originOf, snapshots }, takeOut }: SaveContext,
): Promise<Saved> {
  const { first: locked, repeated } = firstCopies(events.filter(isIdentified));
  const written = await writeSnapshots(tx, locked.filter(isUnderstood), snapshots);
  const haveOptedOut = await lockInstallations(tx, locked);
  const first = takeOut ? await takeOut(locked) : locked;
  const compared = compareWithStored(first, await findIncumbents(tx, first));
  await removeEvents(tx, compared.superseded);
  const consented = await applyConsents(tx, { ...compared, haveOptedOut });
  const verdict = { ...compared, ...consented, repeated };
  const { kept, optedOut, superseded, revoked } = verdict;
  await writeEvents(tx, kept, originOf);
  // The lock made the row of a new installation from all of its events; what is replayed was sighted before.
  const sighted = takeOut
    ? optedOut
    : optedOut.filter((event) => !haveOptedOut.has(installationKey(event)));
  await forgetRemoved(tx, verdict, sighted);
  const reports = kept.filter(isUnderstood);
  const changed = [...reports, ...superseded, ...revoked];
  await markChanges(
    tx,
    changed.map(({ observedAt }) => observedAt),
  );
  await removeNewSnapshots(tx, written, { dropped: optedOut.filter(isUnderstood), kept: reports });
  await countUnidentified(tx, events.filter(isUnidentified));
  return { fates: fatesOf(events, verdict), reports, contentIds: [...written] };
}

/** Writes all rows of events, and what they say of their installations. */
async function writeEvents(
  tx: pg.ClientBase,
  events: readonly IdentifiedEvent[],
  originOf: OriginOf,
): Promise<void> {
  const understood = events.filter(isUnderstood);
  await mergeSightings(tx, events, originOf);
  await insertReports(tx, understood, originOf);
  await insertDefects(tx, understood, originOf);
  await insertQuarantined(tx, events.filter(isQuarantined));
}

/**
 * Corrects installations for stored events whose rows are gone.
 * @param sighted the opted-out events from which rows of installations were made
 */
async function forgetRemoved(
  tx: pg.ClientBase,
  { optedOut, superseded, revoked }: Verdict,
  sighted: readonly IdentifiedEvent[],
): Promise<void> {
  const optedOutKeys = new Set(optedOut.map(copyKey));
  const isOptedOut = (copy: RemovedCopy) => optedOutKeys.has(copyKey(copy));
  await forgetSightings(
    tx,
    superseded.filter((copy) => !isOptedOut(copy)),
  );
  await forgetOptedOut(tx, [...superseded.filter(isOptedOut), ...revoked, ...sighted]);
}

function fatesOf(
  events: readonly NormalisedEvent[],
  { kept, optedOut, repeated, duplicates, superseded, revoked }: Verdict,
): Tally {
  const fates = new Tally();
  const optedOutKeys = new Set(optedOut.map(copyKey));
  for (const event of kept) fates.add(event, event.fate);
  for (const event of optedOut) fates.add(event, 'opted_out');
  for (const event of [...repeated, ...duplicates]) {
    fates.add(event, optedOutKeys.has(copyKey(event)) ? 'opted_out' : 'duplicate');
  }
  for (const copy of superseded) fates.add(copy, 'duplicate').add(copy, copy.fate, -1);
  for (const copy of revoked) fates.add(copy, 'opted_out').add(copy, copy.fate, -1);
  for (const event of events) {
    if (isUnidentified(event)) fates.add(event, 'quarantined');
    else if (isOnlyCounted(event)) fates.add(event, event.fate);
  }
  return fates;
}
