import { findFaketime } from '../../tools/install/ensure-faketime.mjs';

/** Environment variables that set a process's clock off, such as `+2h`. Its monotonic clock stays right. */
export function wrongClock(offset: string): Record<string, string> {
  const library = findFaketime();
  if (library === undefined)
    throw new Error('libfaketime is missing; run npm test, which installs it.');
  return { LD_PRELOAD: library, FAKETIME: offset, DONT_FAKE_MONOTONIC: '1' };
}
