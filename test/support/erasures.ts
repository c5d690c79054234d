import type { ErasureStore, WorkerContext } from '#storage';

/** A worker's part in an erasure, without a queue and without signatures. */
const ALONE: WorkerContext = { emptyQueue: async () => undefined, certify: (facts) => facts };

/** Carries out all erasures that have been asked for. @returns how many it completed */
export async function carryOut(erasures: ErasureStore, context = ALONE): Promise<number> {
  for (let completed = 0; ;) {
    const suppressed = await erasures.suppressNext(context);
    const erased = await erasures.eraseNext(context);
    completed += suppressed.completed.length + erased.completed.length;
    if (suppressed.isIdle && erased.isIdle) return completed;
  }
}
