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
import { readSecrets } from '../../apps/start/secrets.js';
import { publishKeys } from '../../apps/start/write-keys.js';

/** All that is measured, each part in processes of its own, and where it listens. */
export interface Stack {
  /** Fastify and nothing else. */
  plainPort: number;
  /** Ingest before a Redis that no worker reads. */
  ingestPort: number;
  /** Ingest, worker and both databases, as `npm start` sets them up. */
  wholePort: number;
  databaseUrl: string;
  /** Of the ingest that no worker reads from. */
  unreadRedisUrl: string;
  caFile: string;
  writeKey: string;
}

const HOST = '127.0.0.1';
const PRODUCT = 'dcos';

/**
 * Starts everything on free ports, with its data in a temporary folder (TMPDIR chooses the disk,
 * which should be a real one: what an fsync costs is part of the figures).
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
  const tls = await makeCertificate(join(dataDir, 'tls'), HOST);
  const secrets = await readSecrets(dataDir);
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
  // Started by root, Postgres runs as another user, who has to pass through here to its own folder.
  await chmod(dataDir, 0o711);
  return dataDir;
}
