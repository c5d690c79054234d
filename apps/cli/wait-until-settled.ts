import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 2000;
const SETTLED = new Set(['complete', 'failed']);

/** Work that workers carry out. */
interface Work {
  id: string;
  state: string;
}

/** Polls with growing intervals until the work is complete or has failed. */
export async function waitUntilSettled<W extends Work>(
  work: W,
  { fetch, onChange }: { fetch: () => Promise<W>; onChange: (work: W) => void },
): Promise<W> {
  let current = work;
  for (let waitMs = FIRST_WAIT_MS; !SETTLED.has(current.state); waitMs *= 1.5) {
    await sleep(Math.min(waitMs, LAST_WAIT_MS));
    const next = await fetch();
    if (JSON.stringify(next) !== JSON.stringify(current)) onChange(next);
    current = next;
  }
  return current;
}
