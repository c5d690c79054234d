import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  POSTGRES_STOP_SIGNALS,
  REDIS_STOP_SIGNALS,
  stopOrphan,
  type StopSignal,
} from '#devservers';
import { APP_STOP_SIGNALS } from './app-process.js';

/** Clients stop before the stores that they write to. */
const ORDER: readonly (readonly [name: string, signals: readonly StopSignal[]])[] = [
  ['admin', APP_STOP_SIGNALS],
  ['ingest', APP_STOP_SIGNALS],
  ['worker', APP_STOP_SIGNALS],
  ['redis', REDIS_STOP_SIGNALS],
  ['postgres', POSTGRES_STOP_SIGNALS],
];

/**
 * Stops processes of this data folder that an earlier start left running because it was killed.
 *
 * @param runDir the folder of the pid files, NAME.pid or NAME-NUMBER.pid
 */
export async function stopOrphans(runDir: string, say: (line: string) => void): Promise<void> {
  const files = await readdir(runDir).catch(() => []);
  for (const [name, signals] of ORDER) {
    const own = files.filter((file) => file.startsWith(name) && file.endsWith('.pid'));
    const stopped = await Promise.all(own.map((file) => stopOrphan(join(runDir, file), signals)));
    if (stopped.includes(true)) say(`Stopped ${name}, which an earlier start had left running.`);
  }
}
