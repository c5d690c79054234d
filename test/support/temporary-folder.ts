import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const IN_MEMORY = '/dev/shm';
/**
 * The tests use 230 MB at once, and the write-ahead log may grow to 2 GB. Containers often have only 64 MB of shared
 * memory.
 */
const NEEDED_BYTES = 3 * 2 ** 30;

/**
 * The folder for the data of tests: in memory, if there is enough. Each test file copies a database of 800 files,
 * and creating and removing them on a disk takes a tenth of the tests' CPU time.
 */
export function temporaryFolder(): string {
  return freeBytes(IN_MEMORY) >= NEEDED_BYTES ? IN_MEMORY : tmpdir();
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return 0; // not on this system
  }
}
