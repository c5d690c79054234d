import { expect, vi } from 'vitest';
import type { App } from './app.js';
import type { Muster } from './muster.js';

/** Within how many milliseconds every replica goes by what an administrator has decided. */
export const EFFECTIVE_MS = 5000;

/** Waits until these processes, or all of a Muster, go by what stands in its database. */
export async function untilFollowed(
  { owner, ingest, workers }: Muster,
  apps: readonly App[] = [ingest, ...workers],
): Promise<void> {
  const [row] = await owner('SELECT revision::int FROM policy_revision');
  await vi.waitFor(
    () => {
      for (const { log } of apps) expect(lastRevision(log)).toBe(row?.revision);
    },
    { timeout: EFFECTIVE_MS, interval: 20 },
  );
}

function lastRevision(log: string): number {
  return Number([...log.matchAll(/"revision":(\d+)/g)].at(-1)?.[1]);
}
