import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EnvelopeWriter, type ClosedReason } from '#queue';
import { sharedRedis } from './support/redis.js';

/** A process may be busy for longer than Redis may take: many connections arrive at once, say. */
const TIMEOUT_MS = 100;

let writer: EnvelopeWriter;
/** Why nothing was taken from then on; null where events were taken. */
let changes: (ClosedReason | null)[];

beforeEach(async () => {
  const { url, queuePrefix } = sharedRedis();
  const ownChanges: typeof changes = []; // a writer that is closed tells of it later
  changes = ownChanges;
  writer = new EnvelopeWriter({
    ...{ redisUrl: url, prefix: queuePrefix, timeoutMs: TIMEOUT_MS },
    ...{ holdMs: 0, maxHeld: 1 },
    ...{ memoryShare: 0.8, verifiesDurability: true },
    onError: () => undefined,
    onChange: (by) => ownChanges.push(by?.reason ?? null),
  });
  await writer.settle(10_000);
});

afterEach(() => writer.close());

test('an answer that has arrived while the process was busy is not too late', async () => {
  await nextTurn(); // timers come next, and then what sockets have
  const checked = writer.check();
  beBusy(4 * TIMEOUT_MS);
  await expect(checked).resolves.toBeUndefined();
});

test('a process that is busy all the time does not take Redis for unreachable', async () => {
  for (let turn = 0; turn < 8; turn += 1) {
    beBusy(4 * TIMEOUT_MS);
    await nextTurn();
  }
  expect(changes).toEqual([null]);
});

function beBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
