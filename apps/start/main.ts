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
import { ensurePortFree, restrictToOwner, OWNER_ONLY_UMASK, Teardown } from '#devservers';
import { announcement } from './announcement.js';
import { startApps } from './apps.js';
import { startDependencies } from './dependencies.js';
import { publishEndpoints, redisCliUrl, urlAs, urlHost, type Endpoints } from './endpoints.js';
import { acquireLock } from './lock.js';
import { stopOrphans } from './orphans.js';
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
  const dataDir = await makeDataDir(settings.dataDir);
  teardown.add(await acquireLock(dataDir));
  await stopOrphans(join(dataDir, 'run'), say);
  if (settings.port > 0) await ensurePortFree(settings.host, settings.port, 'INGEST_PORT');
  if (settings.adminPort > 0) {
    await ensurePortFree(settings.adminHost, settings.adminPort, 'ADMIN_PORT');
  }
  const tls = await findCertificate(settings, dataDir);
  const declared = await readJsonFolder(settings.productsDir, readDeclaration);
  const secrets = await ensureSecrets(dataDir, [...compileProducts(declared).keys()]);
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
    // On an external server, another Muster may have created the role.
    keepsAppPassword: databaseUrl !== undefined && settings.appPassword === undefined,
  });
  const appUrl = hasApplicationRole
    ? await applicationUrl(urls.databaseUrl, appPassword)
    : urls.databaseUrl;
  starting.throwIfAborted();

  const keys = await findKeys(settings, secrets, dataDir);
  const adminToken = await ensureAdministrator(urls.databaseUrl, keys.suppressionKey, secrets);
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

/** The database URL of Muster's processes. They use a role that cannot change the audit log. */
async function applicationUrl(databaseUrl: string, appPassword: string): Promise<string> {
  const url = urlAs(databaseUrl, APPLICATION_ROLE, appPassword);
  if (await isApplication(url)) return url;
  say(
    `The role ${APPLICATION_ROLE} has a different password, so workers and the admin API connect as the user of DATABASE_URL. Set APP_PASSWORD to the role's password.`,
  );
  return databaseUrl;
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

/** Creates the first administrator, who has every scope. The token stays the same across starts. */
async function ensureAdministrator(
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
  await restrictToOwner(dataDir);
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

// A closed terminal or pipe must not end this process before it has stopped the databases.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
runProcess(start, { name: 'start', stopTimeoutMs: STOP_TIMEOUT_MS });
