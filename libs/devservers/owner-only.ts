import { chmod, chown, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** With this umask, only the owner can access new files. */
export const OWNER_ONLY_UMASK = 0o077;

/** Entries of a data folder. The folder of Postgres is missing here: Postgres restricts it itself. */
const OWN_ENTRIES = /^(logs|run|redis|tls|muster\.pid|erasure-.*|(secrets|ports|endpoints)\.json)$/;

/**
 * Creates a data folder that only its owner may enter, and restricts what an earlier version left open in it.
 * A folder with foreign entries, and these entries, are left unchanged.
 */
export async function restrictToOwner(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  const isOurs = names.length === 0 || names.includes('secrets.json');
  if (isOurs) await restrictEntry(folder);
  for (const name of names.filter((it) => OWN_ENTRIES.test(it)))
    await restrictTree(join(folder, name));
}

async function restrictTree(path: string): Promise<void> {
  if (!(await restrictEntry(path))) return;
  for (const name of await readdir(path)) await restrictTree(join(path, name));
}

/** @returns whether it is a folder */
async function restrictEntry(path: string): Promise<boolean> {
  const entry = await lstat(path);
  const isOpen = (entry.mode & OWNER_ONLY_UMASK) !== 0 && !entry.isSymbolicLink();
  const uid = process.getuid?.();
  if (isOpen && (uid === 0 || uid === entry.uid)) await chmod(path, entry.mode & 0o700);
  return entry.isDirectory();
}

/** Lets a group traverse a folder to reach what it owns below, without listing or reading the folder. */
export async function allowTraversal(folder: string, { gid }: { gid: number }): Promise<void> {
  await chown(folder, process.getuid?.() ?? 0, gid);
  await chmod(folder, 0o710);
}
