import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inject } from 'vitest';

const run = promisify(execFile);

/** The outcome of a command. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command line with a token for this admin API. */
export function commandLine(port: number, token: string, env: Record<string, string> = {}) {
  const { tls } = inject('services');
  const environment = {
    PATH: process.env.PATH,
    ADMIN_URL: `https://localhost:${port}`,
    ...{ ADMIN_TOKEN: token, ADMIN_CA_FILE: tls.certFile },
    ...env,
  };
  return async (...words: string[]): Promise<Ended> => {
    try {
      const ended = await run(process.execPath, ['dist/apps/cli/main.js', ...words], {
        env: environment,
        maxBuffer: 64 * 1024 * 1024,
      });
      return { code: 0, ...ended };
    } catch (error) {
      const { code, stdout, stderr } = error as Ended;
      return { code, stdout, stderr };
    }
  };
}
