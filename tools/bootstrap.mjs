/**
 * Runs first in `npm start` and `npm test`, on a machine with nothing but Node and npm. Ensures packages, a
 * redis-server and an up-to-date build; skips what is already there. Uses no installed package.
 *
 *   start    all of these, then continues as apps/start/main.ts in the same process
 *   bench    all of these
 *   prepare  all of these, plus Chromium, PgBouncer, HAProxy and libfaketime for the tests
 *   build    only the build: a test run must not replace the packages it uses
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuild } from './build/ensure-build.mjs';
import { ensureChromium } from './install/ensure-chromium.mjs';
import { ensureFaketime } from './install/ensure-faketime.mjs';
import { ensureHaproxy } from './install/ensure-haproxy.mjs';
import { ensurePackages } from './install/ensure-packages.mjs';
import { ensurePgbouncer } from './install/ensure-pgbouncer.mjs';
import { ensureRedis } from './install/ensure-redis.mjs';
import { CannotStart } from './run-step.mjs';

const PURPOSES = ['start', 'bench', 'prepare', 'build'];
const OLDEST_NODE = [20, 19];

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main(purpose) {
  if (!PURPOSES.includes(purpose)) {
    throw new CannotStart(`usage: node tools/bootstrap.mjs ${PURPOSES.join('|')}`);
  }
  process.chdir(root);
  checkNode();
  const dotEnv = join(root, '.env');
  if (purpose === 'start' && existsSync(dotEnv)) process.loadEnvFile(dotEnv);
  if (purpose !== 'build') await ensurePackages(root);
  // Tests kill and starve their Redis, so they never use an existing one.
  const hasRedis = purpose === 'start' && (process.env.REDIS_URL || process.env.REDIS_URL_FILE);
  if (purpose !== 'build' && !hasRedis) await ensureRedis();
  if (purpose === 'prepare') {
    await ensureChromium();
    await ensurePgbouncer();
    await ensureHaproxy();
    await ensureFaketime();
  }
  await ensureBuild(root);
  if (purpose === 'start') await import(pathToFileURL(join(root, 'dist/apps/start/main.js')).href);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  throw new CannotStart(`Muster needs Node ${engines.node}, and this is ${process.version}.`);
}

try {
  await main(process.argv[2]);
} catch (error) {
  if (!(error instanceof CannotStart)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}
