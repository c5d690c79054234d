import { ensureProgram, findServer } from './ensure-program.mjs';

const PACKAGES = {
  'apt-get': 'pgbouncer',
  apk: 'pgbouncer',
  dnf: 'pgbouncer',
  brew: 'pgbouncer',
  pacman: 'pgbouncer',
};

/** Ensures that PgBouncer is installed, for the tests. @throws CannotStart if it cannot be installed */
export async function ensurePgbouncer() {
  await ensureProgram({
    name: 'PgBouncer',
    isInstalled: () => findPgbouncer() !== undefined,
    packages: PACKAGES,
    describeMissing: (example) =>
      `pgbouncer was not found on the PATH; install PgBouncer${example}, which the tests need.`,
  });
}

/** @returns the path of PgBouncer; undefined if it is not installed */
export function findPgbouncer() {
  return findServer('pgbouncer', '--version');
}
