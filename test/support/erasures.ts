import type { ErasureStore, WorkerContext } from '#storage';

/** A worker's part in an erasure, without a queue, without a ledger and without signatures. */
export const ALONE: WorkerContext = {
  emptyQueue: async () => undefined,
  record: async (records) => records.map((_, at) => ({ sequence: at + 1, hash: '' })),
  certify: (facts) => facts,
};

/** Carries out all erasures that have been asked for. @returns how many it completed */
export async function carryOut(erasures: ErasureStore, context = ALONE): Promise<number> {
  for (let completed = 0; ;) {
    const suppressed = await erasures.suppressNext(context);
    const erased = await erasures.eraseNext(context);
    completed += suppressed.completed.length + erased.completed.length;
    if (suppressed.isIdle && erased.isIdle) return completed;
  }
}
