import { createHash } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, makeErasureKey, startSettings } from '#platform';
import { migrate } from '#storage';
import type { Teardown } from '#devservers';
import { AppProcess } from '../../apps/start/app-process.js';
import { bundleOf, startApps } from '../../apps/start/apps.js';
import { startDependencies } from '../../apps/start/dependencies.js';
import { ensureSecrets } from '../../apps/start/secrets.js';
import { publishKeys } from '../../apps/start/write-keys.js';

/** The measured servers, each in separate processes, and their ports. */
export interface Stack {
  /** Plain Fastify. */
  plainPort: number;
  /** An ingest with a Redis that no worker reads. */
  ingestPort: number;
  /** Ingest, worker, Postgres and Redis, as set up by `npm start`. */
  wholePort: number;
  databaseUrl: string;
  /** The Redis of the ingest without workers. */
  unreadRedisUrl: string;
  caFile: string;
  writeKey: string;
}

const HOST = '127.0.0.1';
const PRODUCT = 'dcos';

/**
 * Starts everything on free ports, with its data in a temporary folder. TMPDIR chooses the disk,
 * which should be a real one, because the results include the cost of fsync.
 */
export async function startStack(
  teardown: Teardown,
  stopping: AbortSignal,
  say: (line: string) => void,
): Promise<Stack> {
  const dataDir = await makeDataDir(teardown);
  const settings = startSettings({
    ...process.env,
    ...{ DATABASE_URL: '', REDIS_URL: '', WRITE_KEYS: '', TLS_CERT_FILE: '', TLS_KEY_FILE: '' },
    ...{ INGEST_HOST: HOST, INGEST_PORT: '0', ADMIN_PORT: '0', WORKER_HEALTH_PORT: '' },
  });
  const tls = await makeCertificate(join(dataDir, 'tls'), [HOST]);
  const secrets = await ensureSecrets(dataDir);
  const urls = await startDependencies({ dataDir, secrets, say }, teardown);
  stopping.throwIfAborted();
  await migrate({ databaseUrl: urls.databaseUrl });
  stopping.throwIfAborted();

  const writeKey = secrets.writeKeys[PRODUCT] ?? '';
  const { identityKey, suppressionKey } = secrets;
  const keys = { identityKey, suppressionKey, erasureKeyFile: join(dataDir, 'erasure-key.pem') };
  await makeErasureKey(keys.erasureKeyFile);
  const { queuePrefix } = settings;
  await publishKeys({ [PRODUCT]: writeKey }, { ...urls, suppressionKey, queuePrefix });
  const whole = await startApps(
    {
      settings,
      dataDir,
      ...urls,
      tls,
      keys,
      say,
    },
    teardown,
    stopping,
  );
  const startApp = async (name: string, script: URL, env: Record<string, string>) => {
    stopping.throwIfAborted();
    const app = new AppProcess({
      name,
      script,
      env: {
        ...settings.ingestEnvironment,
        IDENTITY_KEY: secrets.identityKey,
        TLS_CERT_FILE: tls.certFile,
        TLS_KEY_FILE: tls.keyFile,
        ...env,
      },
      logFile: join(dataDir, 'logs', `${name}.log`),
      pidFile: join(dataDir, 'run', `${name}.pid`),
      stopTimeoutMs: settings.stopTimeoutMs,
      say,
    });
    teardown.add(() => app.stop());
    return (await app.start()).port ?? 0;
  };
  const unreadRedisUrl = urls.redisUrl.replace(/\/0$/, '/1');
  const digest = createHash('sha256').update(writeKey).digest('hex');
  return {
    plainPort: await startApp('plain', new URL('plain-server.js', import.meta.url), {}),
    ingestPort: await startApp('ingest-alone', bundleOf('ingest'), {
      WRITE_KEYS: `${PRODUCT}:${digest}`,
      REDIS_URL: unreadRedisUrl,
    }),
    wholePort: whole.port,
    databaseUrl: urls.databaseUrl,
    unreadRedisUrl,
    caFile: tls.certFile,
    writeKey,
  };
}

export async function makeDataDir(teardown: Teardown): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  teardown.add(() => rm(dataDir, { recursive: true, force: true }));
  // If started by root, Postgres runs as another user, who must be able to traverse this folder.
  await chmod(dataDir, 0o711);
  return dataDir;
}
