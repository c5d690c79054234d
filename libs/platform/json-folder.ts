import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from './startup-error.js';

/**
 * Reads the JSON files of a folder, sorted by name. Returns nothing if the folder does not exist.
 * @throws StartupError with the file and the reason, also for errors of `understand`
 */
export async function readJsonFolder<T>(
  dir: string | undefined,
  understand: (json: unknown) => T,
): Promise<T[]> {
  if (dir === undefined) return [];
  const names = await readdir(dir).catch((cause: unknown) => {
    throw new StartupError(`The folder ${dir} cannot be read.`, { cause });
  });
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(files.map(async (name) => readJsonFile(join(dir, name), understand)));
}

async function readJsonFile<T>(file: string, understand: (json: unknown) => T): Promise<T> {
  const text = await readFile(file, 'utf8');
  try {
    return understand(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    throw new StartupError(`${file}: ${reason}`, { cause });
  }
}
