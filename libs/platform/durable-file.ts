import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces the content of a file. Atomic and durable: a power failure leaves either the old content or the new one. */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.new`;
  await writeDraft(draft, text, mode);
  await rename(draft, file);
  await syncFolder(dirname(file));
}

/** Creates a file, unless it exists. Atomic and durable like `replaceFile`. */
export async function createFile(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.new.${process.pid}`;
  await writeDraft(draft, text, mode);
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  await syncFolder(dirname(file));
}

async function writeDraft(draft: string, text: string, mode: number): Promise<void> {
  // An earlier draft may have another mode.
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
