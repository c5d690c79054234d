import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import type { WriteStream } from 'node:fs';
import { codeOf, Failure } from '../outcome.js';

/**
 * A file that appears when it is complete. Until then its content is in PATH.part, and a file that was there before
 * stays as it is.
 */
export class OutputFile {
  private constructor(
    readonly stream: WriteStream,
    private readonly path: string,
    private readonly part: string | undefined,
  ) {}

  /** @throws Failure if the file cannot be written */
  static async open(path: string): Promise<OutputFile> {
    try {
      const former = await statIfPresent(path);
      // A device or a named pipe cannot be replaced.
      if (former && !former.isFile()) {
        return new OutputFile((await open(path, 'w')).createWriteStream(), path, undefined);
      }
      const target = former ? await realpath(path) : path;
      const part = `${target}.part`;
      const file = await open(part, 'w');
      if (former) await file.chmod(former.mode & 0o777);
      return new OutputFile(file.createWriteStream(), target, part);
    } catch (cause) {
      throw new Failure(`Cannot write ${path} (${codeOf(cause)}).`, { cause });
    }
  }

  /** Gives the complete file its name. */
  async publish(): Promise<void> {
    if (this.part !== undefined) await rename(this.part, this.path);
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    this.stream.destroy();
    if (this.part !== undefined) await rm(this.part, { force: true });
  }
}

async function statIfPresent(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
