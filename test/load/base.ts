import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Teardown } from '#devservers';
import {
  makeCertificate,
  makeErasureKey,
  startSettings,
  type StartSettings,
  type TlsFiles,
} from '#platform';
import { AppProcess } from '../../apps/start/app-process.js';
import type { AppsOptions } from '../../apps/start/apps.js';
import { startDependencies } from '../../apps/start/dependencies.js';
import { ensureSecrets, type Secrets } from '../../apps/start/secrets.js';

/** The host that measured processes listen on. */
export const HOST = '127.0.0.1';

/** The services, settings and keys that the processes of a benchmark need. */
export interface Base extends Pick<AppsOptions, 'dataDir' | 'keys' | 'say'> {
  settings: StartSettings;
  tls: TlsFiles;
  secrets: Secrets;
  databaseUrl: string;
  redisUrl: string;
  teardown: Teardown;
}

/**
 * Starts Postgres and Redis as `npm start` does, with their data in a temporary folder. TMPDIR chooses the disk, which
 * should be a real one, because the results include the cost of fsync.
 */
export async function startBase(
  teardown: Teardown,
  say: (line: string) => void,
  env: Record<string, string> = {},
): Promise<Base> {
  const dataDir = await makeDataDir(teardown);
  const settings = startSettings({
    ...process.env,
    ...{ DATABASE_URL: '', REDIS_URL: '', WRITE_KEYS: '', TLS_CERT_FILE: '', TLS_KEY_FILE: '' },
    ...{ INGEST_HOST: HOST, INGEST_PORT: '0', ADMIN_PORT: '0', WORKER_HEALTH_PORT: '' },
    ...env,
  });
  const tls = await makeCertificate(join(dataDir, 'tls'), [HOST]);
  const secrets = await ensureSecrets(dataDir);
  const { identityKey, suppressionKey } = secrets;
  const keys = { identityKey, suppressionKey, erasureKeyFile: join(dataDir, 'erasure-key.pem') };
  await makeErasureKey(keys.erasureKeyFile);
  const urls = await startDependencies({ dataDir, secrets, say }, teardown);
  return { dataDir, keys, say, settings, tls, secrets, ...urls, teardown };
}

/** Starts a server with the settings of ingest. @returns its port */
export async function startServer(
  { dataDir, keys, say, settings, tls, teardown }: Base,
  name: string,
  script: URL,
  env: Record<string, string> = {},
): Promise<number> {
  const app = new AppProcess({
    name,
    script,
    env: {
      ...settings.ingestEnvironment,
      ...{ IDENTITY_KEY: keys.identityKey, TLS_CERT_FILE: tls.certFile, TLS_KEY_FILE: tls.keyFile },
      ...env,
    },
    logFile: join(dataDir, 'logs', `${name}.log`),
    pidFile: join(dataDir, 'run', `${name}.pid`),
    ...{ stopTimeoutMs: settings.stopTimeoutMs, say },
  });
  teardown.add(() => app.stop());
  return (await app.start()).port ?? 0;
}

/** Formats write keys for the setting WRITE_KEYS. @param writeKeys product → key */
export function writeKeySetting(writeKeys: Record<string, string>): string {
  return Object.entries(writeKeys)
    .map(([product, key]) => `${product}:${createHash('sha256').update(key).digest('hex')}`)
    .join();
}

async function makeDataDir(teardown: Teardown): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  teardown.add(() => rm(dataDir, { recursive: true, force: true }));
  // If started by root, Postgres runs as another user, who must be able to traverse this folder.
  await chmod(dataDir, 0o711);
  return dataDir;
}
