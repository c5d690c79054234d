import { expect, test } from 'vitest';
import type { NormalisedBatch } from '#storage';
import { GroupCommit } from './group-commit.js';

const DAY_MS = 86_400_000;

function batchOf(batchId: string, { events = 1, gatheredAt = 0 } = {}): NormalisedBatch {
  const event = { fate: 'empty', product: 'dcos', receivedAt: 0 } as const;
  return { batchId, gatheredAt, accepted: [], events: Array.from({ length: events }, () => event) };
}

/** A store whose transactions end when they are released. */
class SlowStore {
  /** The ids of the batches of each transaction that has begun. */
  readonly transactions: string[][] = [];
  readonly #ends: (() => void)[] = [];
  #isOpen = false;

  readonly save = async (batches: readonly NormalisedBatch[]) => {
    this.transactions.push(batches.map(({ batchId }) => batchId));
    if (!this.#isOpen) await new Promise<void>((resolve) => this.#ends.push(resolve));
    if (batches.some(({ batchId }) => batchId === 'bad')) throw new Error('cannot be stored');
  };

  /** Ends the transactions under way. @param everyOther also those to come */
  release({ everyOther = false } = {}): void {
    this.#isOpen = everyOther;
    for (const end of this.#ends.splice(0)) end();
  }
}

async function begun(store: SlowStore, count: number): Promise<string[][]> {
  await expect.poll(() => store.transactions.length).toBe(count);
  return store.transactions;
}

test('batches that arrive during a transaction are stored together by the next one', async () => {
  const store = new SlowStore();
  const commits = new GroupCommit(1, store.save);
  const stored = [commits.store(batchOf('first'))];
  await begun(store, 1);
  stored.push(...['a', 'b', 'c'].map((id) => commits.store(batchOf(id))));
  store.release({ everyOther: true });
  await Promise.all(stored);
  expect(store.transactions).toEqual([['first'], ['a', 'b', 'c']]);
});

test('a second transaction begins when enough events wait', async () => {
  const store = new SlowStore();
  const commits = new GroupCommit(2, store.save);
  const stored = [commits.store(batchOf('a'))];
  await begun(store, 1);
  stored.push(commits.store(batchOf('b', { events: 499 })), commits.store(batchOf('c')));
  expect(await begun(store, 2)).toEqual([['a'], ['b', 'c']]);
  store.release({ everyOther: true });
  await Promise.all(stored);
});

test('a transaction that takes long holds up no others', async () => {
  const store = new SlowStore();
  const commits = new GroupCommit(2, store.save);
  const stored = [commits.store(batchOf('blocked'))];
  await begun(store, 1);
  stored.push(commits.store(batchOf('b')));
  expect(await begun(store, 2)).toEqual([['blocked'], ['b']]);
  store.release({ everyOther: true });
  await Promise.all(stored);
});

test('what does not fit into a blocked transaction is stored by another', async () => {
  const store = new SlowStore();
  const commits = new GroupCommit(3, store.save);
  const stored = [commits.store(batchOf('blocked'))];
  await begun(store, 1);
  stored.push(commits.store(batchOf('old')));
  stored.push(commits.store(batchOf('now', { events: 500, gatheredAt: 2 * DAY_MS })));
  expect(await begun(store, 3)).toEqual([['blocked'], ['old'], ['now']]);
  store.release({ everyOther: true });
  await Promise.all(stored);
});

test('no more transactions are under way than allowed', async () => {
  const store = new SlowStore();
  const commits = new GroupCommit(1, store.save);
  const stored = [commits.store(batchOf('blocked'))];
  await begun(store, 1);
  stored.push(commits.store(batchOf('b', { events: 1000 })));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(store.transactions).toEqual([['blocked']]);
  store.release({ everyOther: true });
  await Promise.all(stored);
});

test('a batch that cannot be stored fails alone', async () => {
  const store = new SlowStore();
  store.release({ everyOther: true });
  const commits = new GroupCommit(1, store.save);
  const outcomes = await Promise.allSettled(
    ['a', 'bad', 'b'].map((id) => commits.store(batchOf(id))),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(store.transactions).toEqual([['a', 'bad', 'b'], ['a'], ['bad'], ['b']]);
});

test('a transaction holds a bounded number of events', async () => {
  const store = new SlowStore();
  store.release({ everyOther: true });
  const commits = new GroupCommit(1, store.save);
  const sizes = [1500, 400, 200, 5000, 1];
  await Promise.all(sizes.map((events, at) => commits.store(batchOf(`${at}`, { events }))));
  expect(store.transactions).toEqual([['0', '1'], ['2'], ['3'], ['4']]);
});

test('batches that were gathered more than a day apart are stored apart', async () => {
  const store = new SlowStore();
  store.release({ everyOther: true });
  const commits = new GroupCommit(1, store.save);
  const ages = { old: 0, older: -DAY_MS, now: 2 * DAY_MS };
  await Promise.all(
    Object.entries(ages).map(([id, gatheredAt]) => commits.store(batchOf(id, { gatheredAt }))),
  );
  expect(store.transactions).toEqual([['old', 'older'], ['now']]);
});
