import { delimiter, resolve } from 'node:path';
import { env } from 'node:process';
import { ensureProgram, runs } from './ensure-program.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const PACKAGES = { 'apt-get': 'chromium', apk: 'chromium', dnf: 'chromium', pacman: 'chromium' };

/** Sees to it that there is a Chromium on the PATH. @throws CannotStart if there can't be */
export async function ensureChromium() {
  await ensureProgram({
    name: 'Chromium',
    isThere: () => findChromium() !== undefined,
    packages: PACKAGES,
    notThere: (example) =>
      `None of ${NAMES.join(', ')} was found on the PATH; install Chromium${example}, which the tests need.`,
  });
}

/** The path of a Chromium on the PATH; undefined where there is none. */
export function findChromium() {
  const folders = (env.PATH ?? '').split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => resolve(folder, name)));
  // Ubuntu has a chromium-browser that only says where to get one.
  return paths.find((path) => runs(path, '--version'));
}
