import { join } from 'node:path';
import type { StartSettings, TlsFiles } from '#platform';
import type { Teardown } from '#devservers';
import { AppProcess, type Ready } from './app-process.js';
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
  const envs: Environments = {
    ingest: ingestEnvironment(options),
    admin: adminEnvironment(options),
    workers: Array.from({ length: settings.workerProcesses }, (_, index) =>
      workerEnvironment(options, index),
    ),
  };
  const workers = envs.workers.map((env, index) =>
    appProcess(options, 'worker', workerName(index), env),
  );
  const admin = appProcess(options, 'admin', 'admin', envs.admin);
  const ingest = appProcess(options, 'ingest', 'ingest', envs.ingest);
  teardown.add(() => stopAll([...workers, admin]));
  teardown.add(() => ingest.stop());
  const [ingestReady = {}, adminReady = {}, ...workersReady] = await startAll(
    [ingest, admin, ...workers],
    starting,
  );
  const ready = { ingest: ingestReady, admin: adminReady, workers: workersReady };
  keepPorts(envs, ready);
  return {
    port: ready.ingest.port ?? settings.port,
    adminPort: ready.admin.port ?? settings.adminPort,
    metricsUrls: metricsUrlsOf(settings, ready),
  };
}

/** One value per process. */
interface PerProcess<T> {
  ingest: T;
  admin: T;
  workers: readonly T[];
}

type Environments = PerProcess<Record<string, string>>;

/** Starts processes in parallel, and waits for all of them also when one fails. */
async function startAll(apps: AppProcess[], starting: AbortSignal): Promise<Ready[]> {
  const giveUp = () => void stopAll(apps);
  starting.addEventListener('abort', giveUp);
  const started = await Promise.allSettled(apps.map((app) => app.start()));
  starting.removeEventListener('abort', giveUp);
  return started.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Clients know these ports, so a restarted process must use the same ones. */
function keepPorts(envs: Environments, { ingest, admin, workers }: PerProcess<Ready>): void {
  const keep = (env: Record<string, string> | undefined, ports: Record<string, unknown>) => {
    for (const [setting, port] of Object.entries(ports)) if (env) env[setting] = String(port);
  };
  keep(envs.ingest, { INGEST_PORT: ingest.port, INGEST_METRICS_PORT: ingest.metricsPort });
  keep(envs.admin, { ADMIN_PORT: admin.port, ADMIN_METRICS_PORT: admin.metricsPort });
  for (const [index, { healthPort }] of workers.entries()) {
    keep(envs.workers[index], { WORKER_HEALTH_PORT: healthPort });
  }
}

function metricsUrlsOf(settings: StartSettings, ready: PerProcess<Ready>) {
  const url = (host: string, port: number | undefined) => `http://${urlHost(host)}:${port}/metrics`;
  const workers = ready.workers.map(({ healthPort }, index) => [
    workerName(index),
    url(settings.workerHealthHost, healthPort),
  ]);
  return {
    ingest: url(settings.ingestMetricsHost, ready.ingest.metricsPort),
    admin: url(settings.adminMetricsHost, ready.admin.metricsPort),
    ...(Object.fromEntries(workers) as Record<string, string>),
  };
}

const workerName = (index: number) => `worker-${index + 1}`;

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
