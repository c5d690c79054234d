import { execFile } from 'node:child_process';
import { open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '#platform';

const FOLDER = 'appendonlydir';
const MANIFEST = 'appendonly.aof.manifest';
const CHUNK_BYTES = 1024 * 1024;

/** The line that `redis-check-aof` prints for each file that it reads. */
const ANALYSED = /^AOF analyzed: filename=(\S+), size=(\d+), ok_up_to=(\d+),/;

interface Damage {
  file: string;
  size: number;
  /** The length of the part that Redis can read. */
  readable: number;
}

/** Whether the log shows that Redis did not start because of its append-only file. */
export function failedOnAppendOnlyFile(log: string): boolean {
  return /Bad file format reading the append only file|Unexpected end of file reading the append only file/.test(
    log,
  );
}

/**
 * Makes an append-only file readable again after a power failure. File systems such as ext4 and XFS may
 * leave zeros after the last record, and Redis does not start with them. Redis acknowledges a write after
 * its record is on disk, so the zeros contain nothing that was acknowledged, and are truncated.
 *
 * @param dir Redis' data folder
 * @returns one sentence that reports what was truncated
 * @throws StartupError for any other damage, with the file, the command that repairs it, and what that loses
 */
export async function truncateZeros(dir: string): Promise<string> {
  const manifest = join(dir, FOLDER, MANIFEST);
  const damage = await findDamage(dir, manifest);
  if (!damage) {
    throw new StartupError(
      `Redis cannot read its append-only file. Copy ${join(dir, FOLDER)} to a safe place, then run: redis-check-aof --fix ${manifest}`,
    );
  }
  const { file, size, readable } = damage;
  if (!(await isZeroFrom(file, readable))) {
    throw new StartupError(
      `Redis cannot read ${file} from byte ${readable} on (of ${size}). Copy ${join(dir, FOLDER)} to a safe place, then run: ` +
        `redis-check-aof --fix ${manifest}\n` +
        `This removes everything from that byte on: acknowledged events in it that no worker has stored yet are lost.`,
    );
  }
  await truncate(file, readable);
  return `Redis' file ${file} ended in ${size - readable} zero bytes, as after a power cut. They were cut off; no event was in them.`;
}

async function findDamage(dir: string, manifest: string): Promise<Damage | undefined> {
  const output = await analyse(manifest);
  for (const line of output.split('\n')) {
    const [, name, size, readable] = ANALYSED.exec(line) ?? [];
    if (name === undefined) continue;
    const found = { file: join(dir, FOLDER, name), size: Number(size), readable: Number(readable) };
    if (found.readable < found.size) return found;
  }
  return undefined;
}

/** @returns the output of redis-check-aof, which exits with 1 if it finds damage */
async function analyse(manifest: string): Promise<string> {
  const checking = promisify(execFile)('redis-check-aof', [manifest], { maxBuffer: CHUNK_BYTES });
  // It reads its input even without --fix.
  checking.child.stdin?.end();
  try {
    return (await checking).stdout;
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? '';
  }
}

async function isZeroFrom(file: string, offset: number): Promise<boolean> {
  const { size } = await stat(file);
  const handle = await open(file);
  const chunk = Buffer.alloc(CHUNK_BYTES);
  try {
    for (let at = offset; at < size;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0 || chunk.subarray(0, bytesRead).some((byte) => byte !== 0)) return false;
      at += bytesRead;
    }
    return true;
  } finally {
    await handle.close();
  }
}
