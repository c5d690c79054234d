import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Watchdog } from './watchdog.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HOUR_MS = 3_600_000;

test('a loop that makes no progress is named, and no longer once it does', () => {
  const watchdog = new Watchdog();
  watchdog.begin('erasures');
  watchdog.begin('maintenance');
  vi.advanceTimersByTime(2 * HOUR_MS);
  expect(watchdog.stuck).toEqual(['erasures']);
  watchdog.progress('erasures');
  expect(watchdog.stuck).toEqual([]);
});

test('a loop without work is not expected to make progress', () => {
  const watchdog = new Watchdog();
  watchdog.begin('maintenance');
  watchdog.end('maintenance');
  watchdog.progress('maintenance');
  vi.advanceTimersByTime(24 * HOUR_MS);
  expect(watchdog.stuck).toEqual([]);
});
