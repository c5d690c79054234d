import { ensureProgram, runs } from './ensure-program.mjs';

/** Arch has Valkey under both names. */
const PACKAGES = {
  'apt-get': 'redis-server',
  apk: 'redis',
  dnf: 'redis',
  yum: 'redis',
  brew: 'redis',
  pacman: 'valkey',
};

/** Sees to it that there is a redis-server on the PATH. @throws CannotStart if there can't be */
export async function ensureRedis() {
  await ensureProgram({
    name: 'Redis',
    isThere: () => runs('redis-server', '--version'),
    packages: PACKAGES,
    notThere: (example) =>
      `redis-server was not found on the PATH; install Redis${example}, or set REDIS_URL to one that runs elsewhere.`,
  });
}
