import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hashOfLine } from './entry.js';

/** Entries cannot be appended. The message is the reason, such as `file not usable (ENOSPC)`. */
export class LedgerNotWritable extends Error {
  override readonly name: string = 'LedgerNotWritable';
}

/** A copy holds an entry with an unknown key, so neither copy may be changed. */
export class UnknownLedgerKey extends LedgerNotWritable {
  override readonly name = 'UnknownLedgerKey';
}

/** Identifies a version of the file. */
interface FileState {
  inode: number;
  size: number;
}

/**
 * A copy of the ledger in a file with one entry per line, readable by its owner only. Several processes may append to
 * the file. Each appends whole lines that continue what it has read, so a line may occur twice.
 * Every method throws LedgerNotWritable if the file cannot be accessed.
 */
export class LedgerFile {
  /** The version that this process last read or wrote; null if the file was missing. */
  #seen: FileState | null = null;

  constructor(readonly path: string) {}

  /** All lines without repetitions, including an incomplete last line of an interrupted writer. */
  async read(): Promise<string[]> {
    return withLedgerErrors(async () => {
      this.#seen = await this.#fileState();
      const text = this.#seen ? await readFile(this.path, 'utf8') : '';
      const lines = text.split('\n');
      return withoutRepetitions(lines.at(-1) === '' ? lines.slice(0, -1) : lines);
    });
  }

  /** Lines that other processes appended since the last read or write; null if the file has changed otherwise. */
  async readAdded(): Promise<string[] | null> {
    return withLedgerErrors(() => this.#readAdded());
  }

  async #readAdded(): Promise<string[] | null> {
    const [before, now] = [this.#seen, await this.#fileState()];
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

  /** Resolves when the lines are on disk. */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    await withLedgerErrors(async () => {
      const isNew = (await this.#fileState()) === null;
      await this.#write(this.path, 'a', lines);
      if (isNew) await syncFolder(this.path);
      this.#seen = await this.#fileState();
    });
  }

  /** Replaces the content atomically. The former file is kept as `….replaced-TIME`. */
  async replace(lines: readonly string[]): Promise<void> {
    await withLedgerErrors(async () => {
      const draft = `${this.path}.${process.pid}.new`;
      await this.#write(draft, 'w', lines);
      if (await this.#fileState()) {
        await rename(this.path, `${this.path}.replaced-${new Date().toISOString()}`);
      }
      await rename(draft, this.path);
      await syncFolder(this.path);
      this.#seen = await this.#fileState();
    });
  }

  /** @throws LedgerNotWritable */
  async checkWritable(): Promise<void> {
    await withLedgerErrors(() => this.#write(this.path, 'a', []));
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

  async #fileState(): Promise<FileState | null> {
    try {
      const { ino: inode, size } = await stat(this.path);
      return { inode, size };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}

async function withLedgerErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new LedgerNotWritable(`file not usable (${code})`, { cause });
  }
}

/** Makes a new file name survive a power failure. */
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
