/**
 * What `npm start` and `npm test` run first, on a machine with nothing but Node and npm: it brings
 * the packages, a redis-server and the build up to date, each only if needed. It uses nothing that
 * has to be installed.
 *
 *   start    all that, and goes on as apps/start/main.ts in this same process
 *   bench    all that
 *   prepare  all that, and a Chromium, a PgBouncer, a HAProxy and a libfaketime, for the tests
 *   build    the build only, for a test run, which should not lose its own packages
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bringBuild } from './bring-build.mjs';
import { bringChromium } from './bring-chromium.mjs';
import { bringFaketime } from './bring-faketime.mjs';
import { bringHaproxy } from './bring-haproxy.mjs';
import { bringPackages } from './bring-packages.mjs';
import { bringPgbouncer } from './bring-pgbouncer.mjs';
import { bringRedis } from './bring-redis.mjs';
import { CannotStart } from './run-step.mjs';

const PURPOSES = ['start', 'bench', 'prepare', 'build'];
const OLDEST_NODE = [20, 19];

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

async function main(purpose) {
  if (!PURPOSES.includes(purpose)) {
    throw new CannotStart(`usage: node apps/start/bootstrap.mjs ${PURPOSES.join('|')}`);
  }
  process.chdir(root);
  checkNode();
  const dotEnv = join(root, '.env');
  if (purpose === 'start' && existsSync(dotEnv)) process.loadEnvFile(dotEnv);
  if (purpose !== 'build') await bringPackages(root);
  // Tests kill and starve their Redis, so that they never use somebody else's.
  const hasRedis = purpose === 'start' && (process.env.REDIS_URL || process.env.REDIS_URL_FILE);
  if (purpose !== 'build' && !hasRedis) await bringRedis();
  if (purpose === 'prepare') {
    await bringChromium();
    await bringPgbouncer();
    await bringHaproxy();
    await bringFaketime();
  }
  await bringBuild(root);
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
