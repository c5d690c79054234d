import { ensureProgram, findServer } from './ensure-program.mjs';

const PACKAGES = Object.fromEntries(
  ['apt-get', 'apk', 'dnf', 'yum', 'brew', 'pacman'].map((manager) => [manager, 'haproxy']),
);

/** Ensures that HAProxy is installed, for the tests behind a proxy. @throws CannotStart if it cannot be installed */
export async function ensureHaproxy() {
  await ensureProgram({
    name: 'HAProxy',
    isInstalled: () => findHaproxy() !== undefined,
    packages: PACKAGES,
    describeMissing: (example) =>
      `haproxy was not found on the PATH; install HAProxy${example}, which the tests need.`,
  });
}

/** @returns the path of HAProxy; undefined if it is not installed */
export function findHaproxy() {
  return findServer('haproxy', '-v');
}
