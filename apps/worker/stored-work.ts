import type { QueueRewriter } from '#queue';
import { PurgeStore, QuarantineStore, type TelemetryStore, type WorkKind } from '#storage';
import { normaliseKept, type KeptEvent, type NormaliseOptions } from '#telemetry';
import type { Shared } from './shared.js';
import type { LoopName } from './watchdog.js';
import type { Part } from './work-loop.js';

/** Work on what is stored: replays, discards, purges, and removals after late opt-outs. */
export function workOnStoredEvents(
  { database }: Shared,
  store: TelemetryStore,
  queue: QueueRewriter,
  optionsNow: () => NormaliseOptions,
): Part[] {
  const quarantine = new QuarantineStore(database);
  const purges = new PurgeStore(database);
  const emptyQueue = queue.purgeKey.bind(queue);
  // A replay uses the same write path as new events.
  const normalise = (kept: KeptEvent, eventKey: string) =>
    normaliseKept(kept, eventKey, optionsNow());
  return [
    jobs('quarantine jobs', (signal) => quarantine.runNext({ normalise, store, signal })),
    jobs('purges', (signal) => purges.runNext({ emptyQueue, signal })),
    {
      name: 'opt-outs',
      kind: 'opt-outs',
      run: async () => ({ completed: [], isIdle: !(await store.removeOptedOut()) }),
    },
  ];
}

/** @param runNext returns the id of the job that it has completed, or null */
function jobs(
  name: LoopName & WorkKind,
  runNext: (signal: AbortSignal) => Promise<string | null>,
): Part {
  const run = async (signal: AbortSignal) => {
    const id = await runNext(signal);
    return { completed: id === null ? [] : [id], isIdle: id === null };
  };
  return { name, kind: name, run };
}
