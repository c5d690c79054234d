import { existsSync, readdirSync } from 'node:fs';
import { ensureProgram } from './ensure-program.mjs';

const PACKAGES = {
  'apt-get': 'libfaketime',
  apk: 'libfaketime',
  dnf: 'libfaketime',
  pacman: 'libfaketime',
};
const NAME = 'faketime/libfaketime.so.1';
/** Library folders of distributions. Debian has a folder per architecture in the first one. */
const FOLDERS = ['/usr/lib', '/usr/lib64'];

/** Ensures that libfaketime is installed, for tests with a wrong clock. @throws CannotStart if it cannot be installed */
export async function ensureFaketime() {
  await ensureProgram({
    name: 'libfaketime',
    isInstalled: () => findFaketime() !== undefined,
    packages: PACKAGES,
    describeMissing: (example) =>
      `libfaketime.so.1 was not found; install libfaketime${example}, which the tests need.`,
  });
}

/** @returns the path of the library that changes the clock of a process; undefined if it is not installed */
export function findFaketime() {
  const folders = FOLDERS.filter(existsSync).flatMap((folder) => [
    folder,
    ...readdirSync(folder)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => `${folder}/${name}`),
  ]);
  return folders.map((folder) => `${folder}/${NAME}`).find(existsSync);
}
