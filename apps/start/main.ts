import { join, resolve } from 'node:path';
import {
  makeErasureKey,
  runProcess,
  readJsonFolder,
  startSettings,
  type Running,
  type StartSettings,
} from '#platform';
import { compileProducts, ownDeclarations, readDeclaration } from '#telemetry';
import { ensurePortFree, restrictToOwner, OWNER_ONLY_UMASK, Teardown } from '#devservers';
import { ensureAdministrator } from './administrator.js';
import { announcement } from './announcement.js';
import { startApps, type RunningApps } from './apps.js';
import { findCertificate } from './certificate.js';
import { startDependencies } from './dependencies.js';
import { publishEndpoints, redisCliUrl, urlHost, type Endpoints } from './endpoints.js';
import { acquireLock } from './lock.js';
import { stopOrphans } from './orphans.js';
import { prepareDatabase } from './prepare-database.js';
import { ensureSecrets, type Secrets } from './secrets.js';
import { publishKeys } from './write-keys.js';

/** Ingest, the workers and both databases stop one after another. */
const STOP_TIMEOUT_MS = 120_000;

const say = (line: string) => console.log(line);

async function start(starting: AbortSignal): Promise<Running> {
  const teardown = new Teardown();
  const stop = async () => {
    await teardown.run();
    if (starting.aborted) say('Stopped.');
  };
  starting.addEventListener('abort', () => say('Stopping ...'));
  try {
    await startAll(teardown, starting);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

async function startAll(teardown: Teardown, starting: AbortSignal): Promise<void> {
  process.umask(OWNER_ONLY_UMASK);
  const settings = startSettings();
  const dataDir = await takeDataDir(settings, teardown);
  await ensurePortsFree(settings);
  const tls = await findCertificate(settings, dataDir);
  const declared = await readJsonFolder(settings.productsDir, readDeclaration);
  const secrets = await ensureSecrets(dataDir, [...compileProducts(declared).keys()]);
  starting.throwIfAborted();

  const { databaseUrl, redisUrl } = settings;
  const urls = await startDependencies({ dataDir, secrets, databaseUrl, redisUrl, say }, teardown);
  starting.throwIfAborted();
  const { appUrl, analystUrl } = await prepareDatabase({
    ...{ settings, secrets, databaseUrl: urls.databaseUrl, say },
    declarations: [...ownDeclarations, ...declared],
  });
  starting.throwIfAborted();

  const keys = await findKeys(settings, secrets, dataDir);
  const adminToken = await ensureAdministrator({
    ...{ databaseUrl: urls.databaseUrl, suppressionKey: keys.suppressionKey, dataDir, secrets },
  });
  const writeKeys = settings.writeKeys ? {} : secrets.writeKeys;
  await publishKeys(writeKeys, { ...urls, ...keys, queuePrefix: settings.queuePrefix });
  starting.throwIfAborted();

  say('Starting ingest, workers and the admin API ...');
  const running = await startApps(
    { settings, dataDir, ...urls, databaseUrl: appUrl, tls, keys, say },
    teardown,
    starting,
  );
  starting.throwIfAborted();

  const accesses = { ...urls, analystUrl, writeKeys, adminToken, caFile: tls.certFile };
  const endpoints = endpointsOf(settings, accesses, running);
  teardown.add(await publishEndpoints(dataDir, endpoints));
  say(announcement(dataDir, endpoints));
}

function endpointsOf(
  { protocol, host, adminProtocol, adminHost }: StartSettings,
  accesses: Omit<Endpoints, 'ingestUrl' | 'adminUrl' | 'metricsUrls'>,
  { port, adminPort, metricsUrls }: RunningApps,
): Endpoints {
  return {
    ingestUrl: `${protocol}://${urlHost(host)}:${port}`,
    adminUrl: `${adminProtocol}://${urlHost(adminHost)}:${adminPort}`,
    ...accesses,
    redisUrl: redisCliUrl(accesses.redisUrl),
    metricsUrls,
  };
}

/** Secrets that stay the same across starts, unless the settings provide them. */
async function findKeys(settings: StartSettings, secrets: Secrets, dataDir: string) {
  const erasureKeyFile = resolve(settings.erasureKeyFile ?? join(dataDir, 'erasure-key.pem'));
  if (settings.erasureKeyFile === undefined) await makeErasureKey(erasureKeyFile);
  return {
    identityKey: settings.identityKey ?? secrets.identityKey,
    suppressionKey: settings.suppressionKey ?? secrets.suppressionKey,
    erasureKeyFile,
  };
}

/** Creates the data folder, locks it, and stops processes that an earlier start left running. */
async function takeDataDir(settings: StartSettings, teardown: Teardown): Promise<string> {
  const dataDir = resolve(settings.dataDir);
  await restrictToOwner(dataDir);
  teardown.add(await acquireLock(dataDir));
  await stopOrphans(join(dataDir, 'run'), say);
  return dataDir;
}

async function ensurePortsFree({ host, port, adminHost, adminPort }: StartSettings) {
  if (port > 0) await ensurePortFree(host, port, { host: 'INGEST_HOST', port: 'INGEST_PORT' });
  if (adminPort > 0) {
    await ensurePortFree(adminHost, adminPort, { host: 'ADMIN_HOST', port: 'ADMIN_PORT' });
  }
}

// A closed terminal or pipe must not end this process before it has stopped the databases.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
runProcess(start, { name: 'start', stopTimeoutMs: STOP_TIMEOUT_MS });
