import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 100;
const LAST_WAIT_MS = 2000;
const SETTLED = new Set(['complete', 'failed']);

/** Work that the workers do. */
interface Work {
  id: string;
  state: string;
}

/** Asks again and again, more and more rarely, until the work is complete or has failed. */
export async function untilSettled<W extends Work>(
  work: W,
  { ask, tell }: { ask: () => Promise<W>; tell: (work: W) => void },
): Promise<W> {
  let current = work;
  for (let waitMs = FIRST_WAIT_MS; !SETTLED.has(current.state); waitMs *= 1.5) {
    await sleep(Math.min(waitMs, LAST_WAIT_MS));
    const next = await ask();
    if (JSON.stringify(next) !== JSON.stringify(current)) tell(next);
    current = next;
  }
  return current;
}
