import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { POSTGRES_ENDING, REDIS_ENDING, stopOrphan, type Ending } from '#devservers';
import { APP_ENDING } from './app-process.js';

/** Who depends on whom: those that write end before those that are written to. */
const ORDER: readonly (readonly [name: string, ending: readonly Ending[]])[] = [
  ['admin', APP_ENDING],
  ['ingest', APP_ENDING],
  ['worker', APP_ENDING],
  ['redis', REDIS_ENDING],
  ['postgres', POSTGRES_ENDING],
];

/**
 * Stops what an earlier start has left running on this data folder because it was killed itself.
 *
 * @param runDir the folder of the pid files, NAME.pid or NAME-NUMBER.pid
 */
export async function stopOrphans(runDir: string, say: (line: string) => void): Promise<void> {
  const files = await readdir(runDir).catch(() => []);
  for (const [name, ending] of ORDER) {
    const own = files.filter((file) => file.startsWith(name) && file.endsWith('.pid'));
    const stopped = await Promise.all(own.map((file) => stopOrphan(join(runDir, file), ending)));
    if (stopped.includes(true)) say(`Stopped ${name}, left over from a start that was killed.`);
  }
}
