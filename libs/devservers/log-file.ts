import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const ROTATE_BYTES = 10 * 1024 * 1024;

/**
 * Prepares a log for appending. A large one is renamed to NAME.log.1.
 *
 * @returns its size, where the new lines will begin
 */
export async function rotateLog(file: string): Promise<number> {
  await mkdir(dirname(file), { recursive: true });
  const size = await sizeOf(file);
  if (size <= ROTATE_BYTES) return size;
  await rename(file, `${file}.1`);
  return 0;
}

/** Reads what was appended to a log since it had this size. */
export async function readSince(file: string, size: number): Promise<string> {
  const length = Math.min(await sizeOf(file), size + ROTATE_BYTES) - size;
  if (length <= 0) return '';
  const log = await open(file);
  try {
    const { buffer, bytesRead } = await log.read(Buffer.alloc(length), 0, length, size);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await log.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => ({ size: 0 }))).size;
}
