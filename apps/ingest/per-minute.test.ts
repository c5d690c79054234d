import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PerMinute } from './per-minute.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const DAY_MS = 86_400_000;

test('what a key has used counts for a minute from its first use', () => {
  const used = new PerMinute();
  used.add('a', 2);
  vi.advanceTimersByTime(59_000);
  used.add('a', 3);
  expect([used.usedBy('a'), used.usedBy('b'), used.waitMsOf('a')]).toEqual([5, 0, 1000]);
  vi.advanceTimersByTime(1000);
  expect([used.usedBy('a'), used.waitMsOf('a')]).toEqual([0, 0]);
});

test.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])('a clock that jumps %s by a day neither frees a key nor locks it out', (_way, jumpMs) => {
  const used = new PerMinute();
  used.add('a', 2);
  vi.setSystemTime(Date.now() + jumpMs);
  expect([used.usedBy('a'), used.waitMsOf('a')]).toEqual([2, 60_000]);
  vi.advanceTimersByTime(60_000);
  expect(used.usedBy('a')).toBe(0);
});
