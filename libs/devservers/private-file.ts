import { readFile, stat } from 'node:fs/promises';
import { replaceFile } from '#platform';

const MODE = 0o600;

/** Writes a file that only its owner may read, unless it already has this content. Atomic and durable. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const isUnchanged =
    (await readIfExists(file)) === text && ((await stat(file)).mode & 0o777) === MODE;
  if (!isUnchanged) await replaceFile(file, text, MODE);
}

/** Reads a file. @returns undefined if it does not exist */
export async function readIfExists(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
