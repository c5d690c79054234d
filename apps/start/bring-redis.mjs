import { spawnSync } from 'node:child_process';
import { env } from 'node:process';
import { CannotStart, runStep } from './run-step.mjs';

/** What installs Redis, by the package manager that is there. Arch has Valkey under both names. */
const INSTALLERS = [
  [
    'apt-get',
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'redis-server'],
  ],
  ['apk', ['apk', 'add', 'redis']],
  ['dnf', ['dnf', 'install', '-y', 'redis']],
  ['yum', ['yum', 'install', '-y', 'redis']],
  ['brew', ['brew', 'install', 'redis']],
  ['pacman', ['pacman', '-Sy', '--noconfirm', 'valkey']],
];

/** Sees to it that there is a redis-server on the PATH. @throws CannotStart if there can't be */
export async function bringRedis() {
  if (runs('redis-server', '--version')) return;
  const [manager, ...commands] = INSTALLERS.find(([name]) => runs(name, '--version')) ?? [];
  const before = manager === 'brew' || process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const mayInstall = manager && (before.length === 0 || runs('sudo', '-n', 'true'));
  if (!mayInstall) throw notThere(commands.at(-1));
  env.DEBIAN_FRONTEND ??= 'noninteractive';
  for (const command of commands) {
    // A failed update of the lists, for one, may not keep Redis from being installed.
    await runStep('Installing Redis', [...before, ...command]).catch(throwIfSignalled);
  }
  if (!runs('redis-server', '--version')) throw notThere(commands.at(-1));
}

function throwIfSignalled(error) {
  if (error.exitCode > 128) throw error;
}

function notThere(command) {
  const how = command ? ` (for example: sudo ${command.join(' ')})` : '';
  return new CannotStart(
    `redis-server was not found on the PATH; install Redis${how}, or set REDIS_URL to one that runs elsewhere.`,
  );
}

function runs(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
