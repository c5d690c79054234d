import { execFile } from 'node:child_process';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { runCommand } from '../../apps/cli/run-command.js';

const execute = promisify(execFile);

/** The outcome of a command. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * The command line with a token for this admin API. It runs in this process; only tests of the process itself need
 * `spawned`.
 */
export function commandLine(port: number, token: string, env: Record<string, string> = {}) {
  const { tls } = inject('services');
  const environment = {
    ADMIN_URL: `https://localhost:${port}`,
    ...{ ADMIN_TOKEN: token, ADMIN_CA_FILE: tls.certFile },
    ...env,
  };
  return async (...words: string[]): Promise<Ended> => {
    const [out, err] = [new Collected(), new Collected()];
    const code = await runCommand(words, { out, err, env: environment });
    return { code, stdout: out.text, stderr: err.text };
  };
}

/** Runs a program to its end. */
export async function spawned(
  program: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  try {
    const ended = await execute(program, words, { env: { PATH: process.env.PATH, ...env } });
    return { code: 0, ...ended };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

class Collected extends Writable {
  private readonly chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk);
    done();
  }
}
