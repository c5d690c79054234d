import { ensureProgram, runs } from './ensure-program.mjs';

/** On Arch, Valkey provides redis-server. */
const PACKAGES = {
  'apt-get': 'redis-server',
  apk: 'redis',
  dnf: 'redis',
  yum: 'redis',
  brew: 'redis',
  pacman: 'valkey',
};

/** Ensures that redis-server is on the PATH. @throws CannotStart if it cannot be installed */
export async function ensureRedis() {
  await ensureProgram({
    name: 'Redis',
    isInstalled: () => runs('redis-server', '--version'),
    packages: PACKAGES,
    describeMissing: (example) =>
      `redis-server was not found on the PATH; install Redis${example}, or set REDIS_URL to another Redis.`,
  });
}
