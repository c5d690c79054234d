import { link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartupError } from '#platform';
import { readIfExists, markOf, runningPid } from '#devservers';

/**
 * Locks a data folder for a process. A lock whose process is gone is taken over.
 *
 * @returns a function that releases the lock
 * @throws StartupError when another process holds it
 */
export async function acquireLock(
  dataDir: string,
  pid = process.pid,
): Promise<() => Promise<void>> {
  const file = join(dataDir, 'muster.pid');
  const mine = `${file}.${pid}`;
  const mark = `${await markOf(pid)}\n`;
  // Linked rather than created, so that no process sees a lock without its mark.
  await writeFile(mine, mark);
  try {
    const holder = await take(file, mine);
    if (holder !== undefined) throw alreadyRunning(dataDir, holder);
  } finally {
    await rm(mine);
  }
  return async () => {
    if ((await readIfExists(file)) === mark) await rm(file, { force: true });
  };
}

/**
 * Takes a lock by linking the file `mine` to it. A stale lock is removed only by the process that holds a second lock:
 * otherwise two processes could find it stale, and the slower one remove the lock that the faster one has taken.
 *
 * @returns the process that holds the lock; undefined if it is ours now
 */
async function take(lock: string, mine: string): Promise<number | undefined> {
  while (!(await linkIfFree(mine, lock))) {
    const holder = await holderOf(lock);
    if (holder !== undefined) return holder;
    const removal = `${lock}.removal`;
    if ((await take(removal, mine)) !== undefined) {
      await sleep(10);
      continue;
    }
    // Another process may have taken the lock since it was read.
    if ((await holderOf(lock)) === undefined) await rm(lock, { force: true });
    await rm(removal);
  }
  return undefined;
}

async function holderOf(lock: string): Promise<number | undefined> {
  return runningPid(await readIfExists(lock));
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function alreadyRunning(dataDir: string, pid: number): StartupError {
  return new StartupError(
    `Muster is already running in ${dataDir} (process ${pid}); stop that one, or set DATA_DIR to another folder.`,
  );
}
