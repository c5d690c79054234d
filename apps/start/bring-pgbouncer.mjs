import { delimiter, resolve } from 'node:path';
import { env } from 'node:process';
import { bringProgram, runs } from './bring-program.mjs';

const PACKAGES = {
  'apt-get': 'pgbouncer',
  apk: 'pgbouncer',
  dnf: 'pgbouncer',
  brew: 'pgbouncer',
  pacman: 'pgbouncer',
};
/** Debian has it where only root looks by default. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** Sees to it that there is a PgBouncer, for the tests. @throws CannotStart if there can't be */
export async function bringPgbouncer() {
  await bringProgram({
    name: 'PgBouncer',
    isThere: () => findPgbouncer() !== undefined,
    packages: PACKAGES,
    notThere: (example) =>
      `pgbouncer was not found on the PATH; install PgBouncer${example}, which the tests need.`,
  });
}

/** The path of a PgBouncer; undefined where there is none. */
export function findPgbouncer() {
  const folders = [...(env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  const paths = folders.map((folder) => resolve(folder, 'pgbouncer'));
  return paths.find((path) => runs(path, '--version'));
}
