import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';
import { env } from 'node:process';
import { CannotStart, runStep } from '../run-step.mjs';

/** The install commands of each package manager. The package is appended to the last one. */
const MANAGERS = [
  ['apt-get', ['apt-get', 'update'], ['apt-get', 'install', '-y', '--no-install-recommends']],
  ['apk', ['apk', 'add']],
  ['dnf', ['dnf', 'install', '-y']],
  ['yum', ['yum', 'install', '-y']],
  ['brew', ['brew', 'install']],
  ['pacman', ['pacman', '-Sy', '--noconfirm']],
];

/**
 * Installs a program with the package manager of the system, unless it is installed.
 *
 * @param program.name display name
 * @param program.isInstalled whether it can be used
 * @param program.packages the name of its package, by package manager
 * @param program.describeMissing returns the error message; gets an example of how to install it, or an empty text
 * @throws CannotStart if it cannot be installed
 */
export async function ensureProgram({ name, isInstalled, packages, describeMissing }) {
  if (isInstalled()) return;
  const [manager, ...commands] = findInstaller(packages);
  const prefix = manager === 'brew' || process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const mayInstall = manager && (prefix.length === 0 || runs('sudo', '-n', 'true'));
  const example = manager ? ` (for example: sudo ${commands.at(-1).join(' ')})` : '';
  if (!mayInstall) throw new CannotStart(describeMissing(example));
  env.DEBIAN_FRONTEND ??= 'noninteractive';
  for (const command of commands) {
    // The program may be installable even if one command fails, such as the update of the package lists.
    await runStep(`Installing ${name}`, [...prefix, ...command]).catch(throwIfSignalled);
  }
  if (!isInstalled()) throw new CannotStart(describeMissing(example));
}

/** On Debian, servers are in folders that are only on root's PATH. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** @returns the path of a server program that runs with these arguments; undefined if none does */
export function findServer(name, ...args) {
  const folders = [...(env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => resolve(folder, name)).find((path) => runs(path, ...args));
}

export function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** @returns the package manager of this system that has the program, followed by its commands; empty if not found */
function findInstaller(packages) {
  const found = MANAGERS.find(([manager]) => packages[manager] && runs(manager, '--version'));
  if (!found) return [];
  const [manager, ...commands] = found;
  return [manager, ...commands.slice(0, -1), [...commands.at(-1), packages[manager]]];
}

function throwIfSignalled(error) {
  if (error.exitCode > 128) throw error;
}
