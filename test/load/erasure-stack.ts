import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate, makeErasureKey, startSettings } from '#platform';
import { Database, adminScopes, AdminStore, APPLICATION_ROLE, migrate } from '#storage';
import type { Teardown } from '#devservers';
import { AppProcess } from '../../apps/start/app-process.js';
import { bundleOf, startApps } from '../../apps/start/apps.js';
import { startDependencies } from '../../apps/start/dependencies.js';
import { urlAs } from '../../apps/start/endpoints.js';
import { ensureSecrets } from '../../apps/start/secrets.js';
import { publishKeys } from '../../apps/start/write-keys.js';
import { HttpsClient } from '../support/https.js';
import { makeDataDir } from './stack.js';

/** A complete Muster with two ingest processes and two workers. */
export interface ErasureStack {
  databaseUrl: string;
  redisUrl: string;
  ports: [number, number];
  ingests: HttpsClient[];
  admin: HttpsClient;
  adminToken: string;
  caFile: string;
  writeKeys: Record<string, string>;
}

const HOST = '127.0.0.1';

/** Starts everything on free ports, with its data in a temporary folder (TMPDIR chooses the disk). */
export async function startErasureStack(
  teardown: Teardown,
  stopping: AbortSignal,
  say: (line: string) => void,
): Promise<ErasureStack> {
  const dataDir = await makeDataDir(teardown);
  const settings = startSettings({
    ...process.env,
    ...{ DATABASE_URL: '', REDIS_URL: '', WRITE_KEYS: '', TLS_CERT_FILE: '', TLS_KEY_FILE: '' },
    ...{ INGEST_HOST: HOST, INGEST_PORT: '0', ADMIN_PORT: '0', WORKER_HEALTH_PORT: '' },
    ...{ WORKER_PROCESSES: '2', LOG_LEVEL: 'warn' },
  });
  const tls = await makeCertificate(join(dataDir, 'tls'), [HOST]);
  const secrets = await ensureSecrets(dataDir);
  const { writeKeys, suppressionKey, identityKey } = secrets;
  const urls = await startDependencies({ dataDir, secrets, say }, teardown);
  stopping.throwIfAborted();
  const { appPassword } = secrets;
  await migrate({ databaseUrl: urls.databaseUrl, appPassword });
  const databaseUrl = urlAs(urls.databaseUrl, APPLICATION_ROLE, appPassword);
  const keys = { identityKey, suppressionKey, erasureKeyFile: join(dataDir, 'erasure-key.pem') };
  await makeErasureKey(keys.erasureKeyFile);
  const { queuePrefix } = settings;
  await publishKeys(writeKeys, { ...urls, suppressionKey, queuePrefix });
  const { port, adminPort } = await startApps(
    { settings, dataDir, ...urls, databaseUrl, tls, keys, say },
    teardown,
    stopping,
  );
  const second = new AppProcess({
    name: 'ingest-2',
    script: bundleOf('ingest'),
    env: {
      ...settings.ingestEnvironment,
      IDENTITY_KEY: identityKey,
      REDIS_URL: urls.redisUrl,
      TLS_CERT_FILE: tls.certFile,
      TLS_KEY_FILE: tls.keyFile,
      WRITE_KEYS: Object.entries(writeKeys)
        .map(([product, key]) => `${product}:${createHash('sha256').update(key).digest('hex')}`)
        .join(),
    },
    logFile: join(dataDir, 'logs', 'ingest-2.log'),
    pidFile: join(dataDir, 'run', 'ingest-2.pid'),
    stopTimeoutMs: settings.stopTimeoutMs,
    say,
  });
  teardown.add(() => second.stop());
  const ports: [number, number] = [port, (await second.start()).port ?? 0];
  const admin = new Database({
    databaseUrl: urls.databaseUrl,
    name: 'muster-bench',
    connections: 2,
  });
  const admins = new AdminStore({ database: admin, suppressionKey });
  const adminToken = await admins.createToken('bench', adminScopes, { actor: 'bench' });
  await admin.close();
  const ca = await readFile(tls.certFile, 'utf8');
  const clientOf = (of: number) => new HttpsClient(`https://${HOST}:${of}`, ca);
  return {
    ...{ ...urls, ports, ingests: ports.map(clientOf), admin: clientOf(adminPort) },
    ...{ adminToken, caFile: tls.certFile, writeKeys },
  };
}
