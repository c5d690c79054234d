import { expect, vi } from 'vitest';
import type { App } from './app.js';
import type { Muster } from './muster.js';

/** Time limit for a policy change to take effect on every replica. */
export const EFFECTIVE_MS = 5000;

/** Waits until these processes, or all of a Muster, follow the policy in its database. */
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
