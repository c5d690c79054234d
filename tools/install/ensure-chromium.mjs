import { delimiter, resolve } from 'node:path';
import { env } from 'node:process';
import { ensureProgram, runs } from './ensure-program.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const PACKAGES = { 'apt-get': 'chromium', apk: 'chromium', dnf: 'chromium', pacman: 'chromium' };

/** Ensures that Chromium is on the PATH. @throws CannotStart if it cannot be installed */
export async function ensureChromium() {
  await ensureProgram({
    name: 'Chromium',
    isInstalled: () => findChromium() !== undefined,
    packages: PACKAGES,
    describeMissing: (example) =>
      `None of ${NAMES.join(', ')} was found on the PATH; install Chromium${example}, which the tests need.`,
  });
}

/** @returns the path of Chromium; undefined if it is not on the PATH */
export function findChromium() {
  const folders = (env.PATH ?? '').split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => resolve(folder, name)));
  // On Ubuntu, chromium-browser may be a stub that only prints how to install Chromium.
  return paths.find((path) => runs(path, '--version'));
}
