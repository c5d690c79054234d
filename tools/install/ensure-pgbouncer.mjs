import { ensureProgram, findServer } from './ensure-program.mjs';

const PACKAGES = {
  'apt-get': 'pgbouncer',
  apk: 'pgbouncer',
  dnf: 'pgbouncer',
  brew: 'pgbouncer',
  pacman: 'pgbouncer',
};

/** Sees to it that there is a PgBouncer, for the tests. @throws CannotStart if there can't be */
export async function ensurePgbouncer() {
  await ensureProgram({
    name: 'PgBouncer',
    isThere: () => findPgbouncer() !== undefined,
    packages: PACKAGES,
    notThere: (example) =>
      `pgbouncer was not found on the PATH; install PgBouncer${example}, which the tests need.`,
  });
}

/** The path of a PgBouncer; undefined where there is none. */
export function findPgbouncer() {
  return findServer('pgbouncer', '--version');
}
