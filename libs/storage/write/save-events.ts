import type { NormalisedEvent } from '#telemetry';
import { isRefusal } from '../database/postgres-errors.js';
import { Tally } from './batch.js';
import { isIdentified } from './event-kinds.js';
import { isConsent } from './opt-outs.js';
import { type Saved, saveTogether, type SaveContext } from './save-together.js';

/**
 * `together`: all events at once. `apart`: for a batch in which the database refuses something. It is halved until what
 * the database refuses is a single event, and only that one is quarantined.
 */
export type SaveMode = 'together' | 'apart';

/** Writes the rows of events and counts their fates. */
export async function saveEvents(
  events: readonly NormalisedEvent[],
  context: SaveContext,
  mode: SaveMode,
): Promise<Saved> {
  if (mode === 'together') return saveTogether(events, context);
  return saveHalves(consentsFirst(events), context);
}

/** The other events are judged by the consent events, which are in another half of the batch. */
function consentsFirst(events: readonly NormalisedEvent[]): NormalisedEvent[] {
  const isFirst = (event: NormalisedEvent) => isIdentified(event) && isConsent(event);
  return [...events.filter(isFirst), ...events.filter((event) => !isFirst(event))];
}

/**
 * The halves lock their installations one after the other, so this may end in a deadlock with another writer; then the
 * batch is saved again.
 */
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
    const saved = await saveTogether(events, context);
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
  if (context.takeOut) return { fates: new Tally(), reports: [], contentIds: [] };
  const { product, receivedAt } = event;
  return saveTogether(
    [{ fate: 'unidentified', product, receivedAt, rejection, keys: [] }],
    context,
  );
}
