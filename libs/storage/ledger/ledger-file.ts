import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hashOfLine } from './entry.js';

/** No entry can be appended. The message is the reason, such as `file not usable (ENOSPC)`. */
export class LedgerNotWritable extends Error {
  override readonly name: string = 'LedgerNotWritable';
}

/** A copy holds an entry whose key is unknown here, so neither copy may be changed. */
export class UnknownLedgerKey extends LedgerNotWritable {
  override readonly name = 'UnknownLedgerKey';
}

/** Which file it was, and how long. */
interface Seen {
  inode: number;
  size: number;
}

/**
 * A copy of the ledger in a file, a line an entry, for its owner only. Several processes may append to the
 * same file: each appends whole lines that continue what it has read, so the same line may be in it twice.
 * Every method throws LedgerNotWritable if the system refuses access.
 */
export class LedgerFile {
  /** As it was last read or written here; null where it was missing. */
  #seen: Seen | null = null;

  constructor(readonly path: string) {}

  /** All lines, each once; also a last one that has no end, because its writer was interrupted. */
  async read(): Promise<string[]> {
    return translated(async () => {
      this.#seen = await this.#look();
      const text = this.#seen ? await readFile(this.path, 'utf8') : '';
      const lines = text.split('\n');
      return withoutRepetitions(lines.at(-1) === '' ? lines.slice(0, -1) : lines);
    });
  }

  /** What others have added since it was last read or written here; null where more has changed. */
  async added(): Promise<string[] | null> {
    return translated(() => this.#added());
  }

  async #added(): Promise<string[] | null> {
    const [before, now] = [this.#seen, await this.#look()];
    if (!before || now?.inode !== before.inode || now.size < before.size) return null;
    if (now.size === before.size) return [];
    const file = await open(this.path);
    try {
      const length = now.size - before.size;
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, before.size);
      const text = buffer.toString('utf8');
      if (!text.endsWith('\n')) return null;
      this.#seen = now;
      return text.split('\n').slice(0, -1);
    } finally {
      await file.close();
    }
  }

  /** Adds lines; resolves when they are on the disk. */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    await translated(async () => {
      const isNew = (await this.#look()) === null;
      await this.#write(this.path, 'a', lines);
      if (isNew) await syncFolder(this.path);
      this.#seen = await this.#look();
    });
  }

  /** Takes other lines instead, whole or not at all. What was there is kept as `….replaced-TIME`. */
  async replace(lines: readonly string[]): Promise<void> {
    await translated(async () => {
      const draft = `${this.path}.${process.pid}.new`;
      await this.#write(draft, 'w', lines);
      if (await this.#look()) {
        await rename(this.path, `${this.path}.replaced-${new Date().toISOString()}`);
      }
      await rename(draft, this.path);
      await syncFolder(this.path);
      this.#seen = await this.#look();
    });
  }

  /** Throws LedgerNotWritable if it is not. */
  async checkWritable(): Promise<void> {
    await translated(() => this.#write(this.path, 'a', []));
  }

  async #write(path: string, flags: 'a' | 'w', lines: readonly string[]): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, flags, 0o600);
    try {
      await file.writeFile(lines.map((line) => `${line}\n`).join(''));
      if (lines.length > 0) await file.sync();
    } finally {
      await file.close();
    }
  }

  async #look(): Promise<Seen | null> {
    try {
      const { ino: inode, size } = await stat(this.path);
      return { inode, size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new LedgerNotWritable(`file not usable (${code})`, { cause });
  }
}

/** So that a new name outlives a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path));
  await folder.sync().finally(() => folder.close());
}

function withoutRepetitions(lines: readonly string[]): string[] {
  const seen = new Set<string>();
  return lines.filter((line) => {
    const hash = hashOfLine(line);
    if (seen.has(hash)) return false;
    seen.add(hash);
    return true;
  });
}
