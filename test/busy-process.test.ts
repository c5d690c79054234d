import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EnvelopeWriter, type ClosedReason } from '#queue';
import { connectTo, sharedRedis } from './support/redis.js';
import { atScale } from './support/scale.js';

/**
 * A process may be busy for longer than this timeout, for example when many connections arrive at
 * once.
 */
const TIMEOUT_MS = 100;
/** Until then, the last write shows that Redis accepts writes, and a check asks nothing. */
const UNPROVEN_AFTER_MS = 600;

let writer: EnvelopeWriter;
/** Each change of state: the reason why ingest refuses events, or null when it accepts them. */
let changes: (ClosedReason | null)[];

beforeEach(async () => {
  const { url, queuePrefix } = sharedRedis();
  const ownChanges: typeof changes = []; // a closing writer still reports a change
  changes = ownChanges;
  writer = new EnvelopeWriter(connectTo(url, queuePrefix, TIMEOUT_MS), {
    ...{ timeoutMs: TIMEOUT_MS, holdMs: 0, maxHeld: 1 },
    ...{ memoryShare: 0.8, verifiesDurability: true },
    onChange: (by) => ownChanges.push(by?.reason ?? null),
  });
  await writer.settle(10_000);
});

afterEach(() => writer.close());

test('a Redis reply that arrives while the process is busy does not time out', async () => {
  await sleep(UNPROVEN_AFTER_MS);
  await nextTurn(); // the next turn runs timers first, then sockets
  const checked = writer.check();
  beBusy(4 * TIMEOUT_MS);
  await expect(checked).resolves.toBeUndefined();
});

test('a process that is always busy does not report Redis as unreachable', async () => {
  for (let turn = 0; turn < atScale(4, 8); turn += 1) {
    beBusy(4 * TIMEOUT_MS);
    await nextTurn();
  }
  expect(changes).toEqual([null]);
});

function beBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
