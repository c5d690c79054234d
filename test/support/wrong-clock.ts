import { findFaketime } from '../../tools/install/ensure-faketime.mjs';

/**
 * Environment variables that shift a process's clock, by an offset such as `+2h`. Its monotonic
 * clock is not affected.
 */
export function wrongClock(offset: string): Record<string, string> {
  const library = findFaketime();
  if (library === undefined)
    throw new Error('libfaketime is missing. Run npm test, which installs it.');
  return { LD_PRELOAD: library, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' };
}
