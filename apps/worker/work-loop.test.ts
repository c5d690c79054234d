import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LedgerGuard } from './ledger-guard.js';
import { Watchdog } from './watchdog.js';
import { WorkLoop } from './work-loop.js';

const logger = pino({ level: 'silent' });
const TWO_HOURS_MS = 7_200_000;
const never = () => new Promise<never>(() => undefined);

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('a part of the work that hangs is reported as stuck, although the other parts make progress', async () => {
  const watchdog = new Watchdog();
  const idle = () => Promise.resolve({ completed: [], isIdle: true });
  const work = {
    parts: [
      { name: 'suppressions', kind: 'erasures', run: idle },
      { name: 'erasures', kind: 'erasures', run: never },
      { name: 'log rewrites', kind: 'log rewrites', run: idle },
    ] as const,
    close: () => Promise.resolve(),
  };
  const database = { listen: () => undefined, query: never };
  new WorkLoop({ works: [work], database, watchdog, logger }).start();
  vi.advanceTimersByTime(TWO_HOURS_MS);
  await expect.poll(() => watchdog.stuck).toEqual(['erasures']);
});

test('a comparison with the erasure ledger that hangs is reported as stuck', () => {
  const watchdog = new Watchdog();
  const ledger = { synchronise: never } as never;
  void new LedgerGuard({ ledger, comparison: {} as never, watchdog }, logger).start();
  vi.advanceTimersByTime(TWO_HOURS_MS);
  expect(watchdog.stuck).toEqual(['erasure ledger']);
});
