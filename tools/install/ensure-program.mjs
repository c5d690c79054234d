import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';
import { env } from 'node:process';
import { CannotStart, runStep } from '../run-step.mjs';

/** How each package manager installs a package, whose name comes last. */
const MANAGERS = [
  ['apt-get', ['apt-get', 'update'], ['apt-get', 'install', '-y', '--no-install-recommends']],
  ['apk', ['apk', 'add']],
  ['dnf', ['dnf', 'install', '-y']],
  ['yum', ['yum', 'install', '-y']],
  ['brew', ['brew', 'install']],
  ['pacman', ['pacman', '-Sy', '--noconfirm']],
];

/**
 * Sees to it that a program is there: installs it, unless it is, with the package manager that is.
 *
 * @param program.name as people call it
 * @param program.isThere whether it can be used
 * @param program.packages the name of its package, by package manager
 * @param program.notThere what a person is told, given an example of how to install it or nothing
 * @throws CannotStart if it can't be there
 */
export async function ensureProgram({ name, isThere, packages, notThere }) {
  if (isThere()) return;
  const [manager, ...commands] = installerOf(packages);
  const before = manager === 'brew' || process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const mayInstall = manager && (before.length === 0 || runs('sudo', '-n', 'true'));
  const example = manager ? ` (for example: sudo ${commands.at(-1).join(' ')})` : '';
  if (!mayInstall) throw new CannotStart(notThere(example));
  env.DEBIAN_FRONTEND ??= 'noninteractive';
  for (const command of commands) {
    // A failed update of the lists, for one, may not keep a program from being installed.
    await runStep(`Installing ${name}`, [...before, ...command]).catch(throwIfSignalled);
  }
  if (!isThere()) throw new CannotStart(notThere(example));
}

/** Debian keeps servers where only root looks by default. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** @returns the path of a server program that runs with these arguments; undefined where there is none */
export function findServer(name, ...args) {
  const folders = [...(env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => resolve(folder, name)).find((path) => runs(path, ...args));
}

export function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The package manager that is there and has the program, with its commands; empty without one. */
function installerOf(packages) {
  const found = MANAGERS.find(([manager]) => packages[manager] && runs(manager, '--version'));
  if (!found) return [];
  const [manager, ...commands] = found;
  return [manager, ...commands.slice(0, -1), [...commands.at(-1), packages[manager]]];
}

function throwIfSignalled(error) {
  if (error.exitCode > 128) throw error;
}
