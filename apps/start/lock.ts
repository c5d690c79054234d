import { link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from '#platform';
import { readIfExists, markOf, runningPid } from '#devservers';

/**
 * Locks a data folder for this process. A lock whose process is gone is taken over.
 *
 * @returns a function that releases the lock
 * @throws StartupError when another process holds it
 */
export async function acquireLock(dataDir: string): Promise<() => Promise<void>> {
  const file = join(dataDir, 'muster.pid');
  const mine = `${file}.${process.pid}`;
  // Linked rather than created, so that no process sees a lock without its mark.
  await writeFile(mine, `${await markOf(process.pid)}\n`);
  try {
    if (!(await linkIfFree(mine, file))) {
      const holder = await runningPid(await readIfExists(file));
      if (holder !== undefined) throw alreadyRunning(dataDir, holder);
      await rm(file, { force: true });
      if (!(await linkIfFree(mine, file))) throw alreadyRunning(dataDir);
    }
  } finally {
    await rm(mine);
  }
  return () => rm(file, { force: true });
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

function alreadyRunning(dataDir: string, pid?: number): StartupError {
  const which = pid === undefined ? '' : ` (process ${pid})`;
  return new StartupError(
    `Muster is already running in ${dataDir}${which}; stop that one, or set DATA_DIR to another folder.`,
  );
}
