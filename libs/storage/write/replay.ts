import type pg from 'pg';
import { fates, type Fate, type ReplayedEvent } from '#telemetry';
import type { IdentifiedEvent, Tally } from './batch.js';
import type { WriteStart } from './begin.js';
import { copyKey } from './deduplicate.js';
import { isOnlyCounted } from './event-kinds.js';
import type { Written } from './references.js';
import { saveEvents, type SaveMode } from './save-events.js';
import type { SaveContext } from './save-together.js';
import { addTally } from './tallies.js';

/** A quarantined event, and the result of reading it by the current rules. */
export interface Replayed {
  quarantineId: string;
  installationId: string;
  event: ReplayedEvent;
}

/** What the events of a replay are now. */
export type ReplayCounts = Readonly<Record<Fate, number>>;

/** Events that are replayed in one transaction, each of them once. */
export interface ReplayPage {
  events: readonly Replayed[];
  /** Notes in the same transaction what was done. Where it throws, nothing is. */
  note: (tx: pg.ClientBase, counts: ReplayCounts) => Promise<void>;
}

/**
 * Replays a page. Events that are gone are left out: another replay has handled them, or they were removed. They are
 * looked up after the suppressions were read and before installations are locked, which creates their rows: so an
 * installation that was erased meanwhile does not come back.
 */
export async function replayPage(
  { events, note }: ReplayPage,
  { suppressed }: WriteStart,
  context: SaveContext,
  mode: SaveMode,
): Promise<Written> {
  const { tx } = context;
  const present = await findPresent(tx, events);
  const wanted = present.filter(({ installationId }) => !suppressed.has(installationId));
  const identified = wanted.map(({ event }) => event).filter((event) => !isOnlyCounted(event));
  const takeOut = takerOf(tx, wanted);
  const { fates: tally, ...written } = await saveEvents(identified, { ...context, takeOut }, mode);
  const counted = wanted.filter(({ event }) => isOnlyCounted(event));
  for (const { event } of await removeKept(tx, counted)) tally.add(event, event.fate);
  await note(tx, countsOf(tally, present.length - wanted.length));
  await addTally(tx, tally.instead('quarantined'));
  return written;
}

async function findPresent(tx: pg.ClientBase, events: readonly Replayed[]) {
  const { rows } = await tx.query<{ id: string }>(
    'SELECT quarantine_id AS id FROM quarantined_event WHERE quarantine_id = ANY ($1::bigint[])',
    [events.map(({ quarantineId }) => quarantineId)],
  );
  const ids = new Set(rows.map(({ id }) => id));
  return events.filter(({ quarantineId }) => ids.has(quarantineId));
}

/** Takes out the old rows of events, whatever they are now. */
function takerOf(tx: pg.ClientBase, replayed: readonly Replayed[]) {
  const former = new Map<string, Replayed>();
  for (const it of replayed) if (!isOnlyCounted(it.event)) former.set(copyKey(it.event), it);
  return async (events: readonly IdentifiedEvent[]) => {
    const kept = events.flatMap((event) => former.get(copyKey(event)) ?? []);
    const removed = new Set((await removeKept(tx, kept)).map(({ quarantineId }) => quarantineId));
    return events.filter((event) => removed.has(former.get(copyKey(event))?.quarantineId ?? ''));
  };
}

/** Removes quarantined events. @returns those that still existed */
async function removeKept(tx: pg.ClientBase, events: readonly Replayed[]): Promise<Replayed[]> {
  if (events.length === 0) return [];
  const { rows } = await tx.query<{ id: string }>(
    `WITH gone AS (
       DELETE FROM quarantined_event WHERE quarantine_id = ANY ($1::bigint[])
       RETURNING quarantine_id, installation_id, event_key, received_at),
     originals AS (
       DELETE FROM original_event o USING gone g
        WHERE o.installation_id = g.installation_id AND o.event_key = g.event_key
          AND o.received_at = g.received_at)
     SELECT quarantine_id AS id FROM gone`,
    [events.map(({ quarantineId }) => quarantineId)],
  );
  const ids = new Set(rows.map(({ id }) => id));
  return events.filter(({ quarantineId }) => ids.has(quarantineId));
}

function countsOf(tally: Tally, suppressed: number): ReplayCounts {
  const counts = Object.fromEntries(fates.map((fate) => [fate, tally.sumOf(fate)]));
  return { ...(counts as ReplayCounts), suppressed };
}
