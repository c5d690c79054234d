import { ensureProgram, findServer } from './ensure-program.mjs';

const PACKAGES = Object.fromEntries(
  ['apt-get', 'apk', 'dnf', 'yum', 'brew', 'pacman'].map((manager) => [manager, 'haproxy']),
);

/** Sees to it that there is a HAProxy, for the tests of what stands behind one. @throws CannotStart */
export async function ensureHaproxy() {
  await ensureProgram({
    name: 'HAProxy',
    isThere: () => findHaproxy() !== undefined,
    packages: PACKAGES,
    notThere: (example) =>
      `haproxy was not found on the PATH; install it${example}: the tests need it.`,
  });
}

/** The path of a HAProxy; undefined where there is none. */
export function findHaproxy() {
  return findServer('haproxy', '-v');
}
