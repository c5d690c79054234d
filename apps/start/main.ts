import { join, resolve } from 'node:path';
import {
  loadTls,
  makeCertificate,
  makeErasureKey,
  runProcess,
  readJsonFolder,
  startSettings,
  type Running,
  type StartSettings,
} from '#platform';
import {
  adminScopes,
  AdminStore,
  APPLICATION_ROLE,
  Database,
  isApplication,
  migrate,
} from '#storage';
import {
  cadencesOf,
  catalogueOf,
  compileProducts,
  ownDeclarations,
  readDeclaration,
} from '#telemetry';
import { checkFree, makeOwnerOnly, OWNER_ONLY, Teardown } from '#devservers';
import { announcement } from './announcement.js';
import { startApps } from './apps.js';
import { startDependencies } from './dependencies.js';
import { publishEndpoints, redisCliUrl, urlAs, urlHost, type Endpoints } from './endpoints.js';
import { takeLock } from './lock.js';
import { stopOrphans } from './orphans.js';
import { readSecrets, type Secrets } from './secrets.js';
import { publishKeys } from './write-keys.js';

/** The time of ingest, of the workers and of both databases, one after the other. */
const STOP_LIMIT_MS = 120_000;

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
  process.umask(OWNER_ONLY);
  const settings = startSettings();
  const dataDir = await makeDataDir(settings.dataDir);
  teardown.add(await takeLock(dataDir));
  await stopOrphans(join(dataDir, 'run'), say);
  if (settings.port > 0) await checkFree(settings.host, settings.port, 'INGEST_PORT');
  if (settings.adminPort > 0) {
    await checkFree(settings.adminHost, settings.adminPort, 'ADMIN_PORT');
  }
  const tls = await findCertificate(settings, dataDir);
  const declared = await readJsonFolder(settings.productsDir, readDeclaration);
  const secrets = await readSecrets(dataDir, [...compileProducts(declared).keys()]);
  starting.throwIfAborted();

  const { databaseUrl, redisUrl } = settings;
  const urls = await startDependencies({ dataDir, secrets, databaseUrl, redisUrl, say }, teardown);
  starting.throwIfAborted();
  const analystPassword = settings.analystPassword ?? secrets.analystPassword;
  const declarations = [...ownDeclarations, ...declared];
  const appPassword = settings.appPassword ?? secrets.appPassword;
  const { hasApplicationRole } = await migrate({
    ...{ databaseUrl: urls.databaseUrl, analystPassword, appPassword, log: say },
    privacyAnalystPassword: settings.privacyAnalystPassword,
    privacyMinInstallations: settings.privacyMinInstallations,
    ...{ catalogue: catalogueOf(declarations), cadences: cadencesOf(declarations) },
    // On a server of somebody's own, another Muster may have made the role.
    keepsAppPassword: databaseUrl !== undefined && settings.appPassword === undefined,
  });
  const appUrl = hasApplicationRole
    ? await applicationUrl(urls.databaseUrl, appPassword)
    : urls.databaseUrl;
  starting.throwIfAborted();

  const keys = await findKeys(settings, secrets, dataDir);
  const adminToken = await createAdministrator(urls.databaseUrl, keys.suppressionKey, secrets);
  const writeKeys = settings.writeKeys ? {} : secrets.writeKeys;
  await publishKeys(writeKeys, { ...urls, ...keys, queuePrefix: settings.queuePrefix });
  starting.throwIfAborted();

  say('Starting ingest, workers and the admin API ...');
  const { port, adminPort } = await startApps(
    { settings, dataDir, ...urls, databaseUrl: appUrl, tls, keys, say },
    teardown,
    starting,
  );
  starting.throwIfAborted();

  const endpoints: Endpoints = {
    ingestUrl: `${settings.protocol}://${urlHost(settings.host)}:${port}`,
    adminUrl: `${settings.adminProtocol}://${urlHost(settings.adminHost)}:${adminPort}`,
    databaseUrl: urls.databaseUrl,
    analystUrl: urlAs(urls.databaseUrl, 'analyst', analystPassword),
    redisUrl: redisCliUrl(urls.redisUrl),
    writeKeys,
    adminToken,
    caFile: tls.certFile,
  };
  teardown.add(await publishEndpoints(dataDir, endpoints));
  say(announcement(dataDir, endpoints));
}

/** How our own processes reach the database: as the role that cannot change the audit log. */
async function applicationUrl(databaseUrl: string, appPassword: string): Promise<string> {
  const url = urlAs(databaseUrl, APPLICATION_ROLE, appPassword);
  if (await isApplication(url)) return url;
  say(
    `The role ${APPLICATION_ROLE} has another password (set APP_PASSWORD to it), so that workers and the admin API connect as the user of DATABASE_URL.`,
  );
  return databaseUrl;
}

/** Secrets that are the same at every start, unless the settings bring them. */
async function findKeys(settings: StartSettings, secrets: Secrets, dataDir: string) {
  const erasureKeyFile = resolve(settings.erasureKeyFile ?? join(dataDir, 'erasure-key.pem'));
  if (settings.erasureKeyFile === undefined) await makeErasureKey(erasureKeyFile);
  return {
    identityKey: settings.identityKey ?? secrets.identityKey,
    suppressionKey: settings.suppressionKey ?? secrets.suppressionKey,
    erasureKeyFile,
  };
}

/** The first administrator, who may do everything: the token stays the same. */
async function createAdministrator(
  databaseUrl: string,
  suppressionKey: string,
  { adminToken: token }: Secrets,
): Promise<string> {
  const database = new Database({ databaseUrl, name: 'muster-start', connections: 2 });
  const store = new AdminStore({ database, suppressionKey });
  try {
    return await store.createToken('start', adminScopes, { token });
  } finally {
    await database.close();
  }
}

async function makeDataDir(path: string): Promise<string> {
  const dataDir = resolve(path);
  await makeOwnerOnly(dataDir);
  return dataDir;
}

async function findCertificate({ certFile, keyFile, host }: StartSettings, dataDir: string) {
  if (certFile === undefined || keyFile === undefined) {
    return makeCertificate(join(dataDir, 'tls'), host);
  }
  const files = { certFile: resolve(certFile), keyFile: resolve(keyFile) };
  await loadTls(files);
  return files;
}

// A terminal or a pipe that is closed on us is no reason to leave databases behind.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
runProcess(start, { name: 'start', stopTimeoutMs: STOP_LIMIT_MS });
