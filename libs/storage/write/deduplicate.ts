import type { IdentifiedEvent } from './batch.js';

/** What the database knows of an event's stored copy. */
export interface Incumbent {
  installationId: string;
  eventKey: string;
  fate: 'stored' | 'quarantined';
  receivedAt: number;
  observedAt: number;
  /** Empty for a quarantined event. */
  snapshotId: string;
}

/**
 * For 30 days a repetition is known. A day more, so that two copies in one monthly partition, whose
 * unique index tells them apart, are always within it.
 */
export const DUPLICATE_WINDOW_MS = 31 * 24 * 3_600_000;

/** Whether events with the same key came close enough together to be the same event. */
export function areCopies(a: { receivedAt: number }, b: { receivedAt: number }): boolean {
  return Math.abs(a.receivedAt - b.receivedAt) <= DUPLICATE_WINDOW_MS;
}

/** The name under which all copies of an event meet. */
export function copyKey(event: { installationId: string; eventKey: string }): string {
  return `${event.installationId} ${event.eventKey}`;
}

/**
 * Which of two copies of an event counts: below 0 the first, above 0 the second. It is the one
 * received first, whatever the order in which they are processed, and the rest of the comparison
 * only makes the choice total. So the tables depend on the set of copies alone.
 */
export function compareCopies(a: Incumbent | IdentifiedEvent, b: Incumbent | IdentifiedEvent) {
  return (
    a.receivedAt - b.receivedAt ||
    compareText(b.fate, a.fate) || // stored before quarantined
    a.observedAt - b.observedAt ||
    compareText(snapshotIdOf(a), snapshotIdOf(b))
  );
}

/** Splits the events of a batch into the copies that count and those that do not. */
export function firstCopies(events: readonly IdentifiedEvent[]): {
  first: IdentifiedEvent[];
  repeated: IdentifiedEvent[];
} {
  const first = new Map<string, IdentifiedEvent>();
  const repeated: IdentifiedEvent[] = [];
  for (const event of events) {
    const key = copyKey(event);
    const other = first.get(key);
    if (!other) {
      first.set(key, event);
      continue;
    }
    const isEarlier = compareCopies(event, other) || compareContents(event, other);
    if (isEarlier < 0) first.set(key, event);
    repeated.push(isEarlier < 0 ? other : event);
  }
  return { first: [...first.values()], repeated };
}

/** Which of the copies that count in a batch count in the database as well, and the stored copies that they replace. */
export function compareWithStored(
  first: readonly IdentifiedEvent[],
  incumbents: readonly Incumbent[],
) {
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

/** Two events of one request may share id and receive time and yet differ. */
function compareContents(a: IdentifiedEvent, b: IdentifiedEvent): number {
  return compareText(JSON.stringify([a, a.keep()]), JSON.stringify([b, b.keep()]));
}

function snapshotIdOf(copy: Incumbent | IdentifiedEvent): string {
  if ('snapshotId' in copy) return copy.snapshotId;
  return 'snapshot' in copy ? copy.snapshot.id : '';
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
