import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StallWatch } from './stall-watch.js';

const SECOND_MS = 1000;
const STALL_MS = 20 * SECOND_MS;

let pending: number | null | Error;
let watch: StallWatch;
let changes: boolean[];

beforeEach(() => {
  vi.useFakeTimers();
  changes = [];
  watch = new StallWatch({
    stallMs: STALL_MS,
    countPending: () =>
      pending instanceof Error ? Promise.reject(pending) : Promise.resolve(pending),
    onChange: (isStalled) => changes.push(isStalled),
  });
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

async function pass(seconds: number, count: typeof pending): Promise<void> {
  pending = count;
  await vi.advanceTimersByTimeAsync(seconds * SECOND_MS);
}

test('a queue with waiting jobs is stalled after the limit, until a job is completed or none waits', async () => {
  await pass(30, 3);
  expect(watch.isStalled).toBe(true);
  watch.progress();
  await pass(30, 3);
  await pass(5, 0);
  expect(changes).toEqual([true, false, true, false]);
});

test.each([
  ['cannot be counted', new Error('no connection')],
  ['are unknown', null],
])('a stalled queue stays stalled while its jobs %s', async (_, unknown) => {
  await pass(30, 3);
  await pass(60, unknown);
  expect(changes).toEqual([true]);
});

test('a queue whose jobs are now and then unknown stalls as well', async () => {
  for (let round = 0; round < 5; round += 1) {
    await pass(10, 3);
    await pass(5, null);
  }
  expect(changes).toEqual([true]);
});

test('the time of an outage does not count', async () => {
  await pass(10, 3);
  await pass(600, null);
  await pass(5, 3);
  expect(changes).toEqual([]);
});
