import { chmod, chown, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The umask under which everything is for its owner only. */
export const OWNER_ONLY = 0o077;

/** What is kept in a data folder, beside the folder of Postgres, which is its user's and closed by it. */
const OWN = /^(logs|run|redis|tls|muster\.pid|erasure-.*|(secrets|ports|endpoints)\.json)$/;

/**
 * Makes a data folder that only its owner may enter, and closes what an earlier version left open in it.
 * A folder that holds other things as well is left as it is, and so are these.
 */
export async function makeOwnerOnly(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  const isOurs = names.length === 0 || names.includes('secrets.json');
  if (isOurs) await closeToOthers(folder);
  for (const name of names.filter((it) => OWN.test(it))) await closeAll(join(folder, name));
}

async function closeAll(path: string): Promise<void> {
  if (!(await closeToOthers(path))) return;
  for (const name of await readdir(path)) await closeAll(join(path, name));
}

/** @returns whether it is a folder */
async function closeToOthers(path: string): Promise<boolean> {
  const entry = await lstat(path);
  const isOpen = (entry.mode & OWNER_ONLY) !== 0 && !entry.isSymbolicLink();
  if (isOpen && entry.uid === process.getuid?.()) await chmod(path, entry.mode & 0o700);
  return entry.isDirectory();
}

/** Lets a group pass through a folder, to what it owns below; it can list and read nothing. */
export async function letPass(folder: string, { gid }: { gid: number }): Promise<void> {
  await chown(folder, process.getuid?.() ?? 0, gid);
  await chmod(folder, 0o710);
}
