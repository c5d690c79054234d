import { join } from 'node:path';
import type { StartSettings, TlsFiles } from '#platform';
import type { Teardown } from '#devservers';
import { AppProcess } from './app-process.js';
import { urlHost } from './endpoints.js';

export interface AppsOptions {
  settings: StartSettings;
  dataDir: string;
  databaseUrl: string;
  redisUrl: string;
  tls: TlsFiles;
  /** Used unless the settings provide others. */
  keys: { identityKey: string; suppressionKey: string; erasureKeyFile: string };
  say: (line: string) => void;
}

export interface RunningApps {
  /** The port of ingest. */
  port: number;
  adminPort: number;
  /** process → URL of its metrics */
  metricsUrls: Record<string, string>;
}

/**
 * Starts ingest, the workers and the admin API. The teardown stops ingest first, so that workers can still store
 * what it has accepted.
 *
 * @returns once all are ready
 * @throws StartupError with the message of the process that cannot start
 */
export async function startApps(
  options: AppsOptions,
  teardown: Teardown,
  starting: AbortSignal,
): Promise<RunningApps> {
  const { settings } = options;
  const ingestEnv = ingestEnvironment(options);
  const adminEnv = adminEnvironment(options);
  const workerEnvs = Array.from({ length: settings.workerProcesses }, (_, index) =>
    workerEnvironment(options, index),
  );
  const workers = workerEnvs.map((env, index) =>
    appProcess(options, 'worker', workerName(index), env),
  );
  const admin = appProcess(options, 'admin', 'admin', adminEnv);
  const ingest = appProcess(options, 'ingest', 'ingest', ingestEnv);
  const apps = [...workers, admin, ingest];
  teardown.add(() => stopAll([...workers, admin]));
  teardown.add(() => ingest.stop());
  const giveUp = () => void stopAll(apps);
  starting.addEventListener('abort', giveUp);
  const started = await Promise.allSettled(apps.map((app) => app.start()));
  starting.removeEventListener('abort', giveUp);
  const failure = started.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  const ready = started.map((result) => (result.status === 'fulfilled' ? result.value : {}));
  const [adminReady = {}, ingestReady = {}] = ready.slice(-2);
  const { port = settings.port, metricsPort } = ingestReady;
  const { port: adminPort = settings.adminPort, metricsPort: adminMetricsPort } = adminReady;
  const healthPorts = workers.map((_, index) => ready[index]?.healthPort);
  keepPorts(ingestEnv, { INGEST_PORT: port, INGEST_METRICS_PORT: metricsPort });
  keepPorts(adminEnv, { ADMIN_PORT: adminPort, ADMIN_METRICS_PORT: adminMetricsPort });
  for (const [index, env] of workerEnvs.entries()) {
    keepPorts(env, { WORKER_HEALTH_PORT: healthPorts[index] });
  }
  const metricsUrls = {
    ingest: metricsUrl(settings.ingestMetricsHost, metricsPort),
    admin: metricsUrl(settings.adminMetricsHost, adminMetricsPort),
    ...Object.fromEntries(
      healthPorts.map((healthPort, index) => [
        workerName(index),
        metricsUrl(settings.workerHealthHost, healthPort),
      ]),
    ),
  };
  return { port, adminPort, metricsUrls };
}

const workerName = (index: number) => `worker-${index + 1}`;

/** Clients know these ports, so a restarted process must use the same ones. */
function keepPorts(env: Record<string, string>, ports: Record<string, number | undefined>): void {
  for (const [setting, port] of Object.entries(ports)) env[setting] = String(port);
}

function metricsUrl(host: string, port: number | undefined): string {
  return `http://${urlHost(host)}:${port}/metrics`;
}

/** The bundle of a process, as `npm run build` creates it. */
export function bundleOf(app: 'ingest' | 'worker' | 'admin'): URL {
  return new URL(`../../bundles/${app}.js`, import.meta.url);
}

async function stopAll(apps: AppProcess[]): Promise<void> {
  await Promise.all(apps.map((app) => app.stop()));
}

function appProcess(
  options: AppsOptions,
  app: Parameters<typeof bundleOf>[0],
  name: string,
  env: Record<string, string>,
) {
  const { dataDir, settings, say } = options;
  return new AppProcess({
    name,
    script: bundleOf(app),
    env,
    logFile: join(dataDir, 'logs', `${name}.log`),
    pidFile: join(dataDir, 'run', `${name}.pid`),
    stopTimeoutMs: settings.stopTimeoutMs,
    say,
  });
}

function ingestEnvironment(options: AppsOptions): Record<string, string> {
  const { settings, redisUrl, tls, keys } = options;
  return {
    IDENTITY_KEY: keys.identityKey,
    INGEST_METRICS_PORT: '0',
    ...settings.ingestEnvironment,
    REDIS_URL: redisUrl,
    TLS_CERT_FILE: tls.certFile,
    TLS_KEY_FILE: tls.keyFile,
  };
}

/** One file for all workers on this machine. */
const LEDGER = 'erasure-ledger.ndjson';

function adminEnvironment({
  settings,
  dataDir,
  databaseUrl,
  redisUrl,
  tls,
  keys,
}: AppsOptions): Record<string, string> {
  return {
    IDENTITY_KEY: keys.identityKey,
    ...erasureKeys(keys),
    ERASURE_LEDGER_FILE: join(dataDir, LEDGER),
    ADMIN_METRICS_PORT: '0',
    ...settings.adminEnvironment,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    TLS_CERT_FILE: tls.certFile,
    TLS_KEY_FILE: tls.keyFile,
  };
}

function erasureKeys({ suppressionKey, erasureKeyFile }: AppsOptions['keys']) {
  return { SUPPRESSION_KEY: suppressionKey, ERASURE_KEY_FILE: erasureKeyFile };
}

function workerEnvironment(
  { settings, dataDir, databaseUrl, redisUrl, keys }: AppsOptions,
  index: number,
): Record<string, string> {
  const { workerEnvironment: env, healthPort } = settings;
  // Each worker on this machine needs its own health port.
  const health = healthPort ? { WORKER_HEALTH_PORT: String(healthPort + index) } : {};
  return {
    ...{ ...erasureKeys(keys), ERASURE_LEDGER_FILE: join(dataDir, LEDGER) },
    ...{ WORKER_HEALTH_PORT: '0', ...env, ...health },
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl },
  };
}
