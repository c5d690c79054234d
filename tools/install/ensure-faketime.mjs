import { existsSync, readdirSync } from 'node:fs';
import { ensureProgram } from './ensure-program.mjs';

const PACKAGES = {
  'apt-get': 'libfaketime',
  apk: 'libfaketime',
  dnf: 'libfaketime',
  pacman: 'libfaketime',
};
const NAME = 'faketime/libfaketime.so.1';
/** Where distributions keep libraries; Debian has a folder per architecture below the first. */
const FOLDERS = ['/usr/lib', '/usr/lib64'];

/** Installs libfaketime, for tests with a wrong clock, unless it is there. @throws CannotStart */
export async function ensureFaketime() {
  await ensureProgram({
    name: 'libfaketime',
    isThere: () => findFaketime() !== undefined,
    packages: PACKAGES,
    notThere: (example) =>
      `libfaketime.so.1 was not found; install libfaketime${example}, which the tests need.`,
  });
}

/** The path of the library that gives a process another clock; undefined where it is not installed. */
export function findFaketime() {
  const folders = FOLDERS.filter(existsSync).flatMap((folder) => [
    folder,
    ...readdirSync(folder)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => `${folder}/${name}`),
  ]);
  return folders.map((folder) => `${folder}/${NAME}`).find(existsSync);
}
