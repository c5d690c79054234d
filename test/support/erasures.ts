import type { ErasureStore, WorkerContext } from '#storage';

/** The worker's context of an erasure, without queue, ledger and signatures. */
export const ALONE: WorkerContext = {
  emptyQueue: async () => undefined,
  record: async (records) => records.map((_, at) => ({ sequence: at + 1, hash: '' })),
  certify: (facts) => facts,
};

/** Runs all requested erasures. @returns the number of completed ones */
export async function carryOut(erasures: ErasureStore, context = ALONE): Promise<number> {
  for (let completed = 0; ;) {
    const suppressed = await erasures.suppressNext(context);
    const erased = await erasures.eraseNext(context);
    completed += suppressed.completed.length + erased.completed.length;
    if (suppressed.isIdle && erased.isIdle) return completed;
  }
}
