import { readFile } from 'node:fs/promises';
import type { Teardown } from '#devservers';
import { Database, adminScopes, AdminStore, APPLICATION_ROLE, migrate } from '#storage';
import { bundleOf, startApps } from '../../apps/start/apps.js';
import { urlAs } from '../../apps/start/endpoints.js';
import { publishKeys } from '../../apps/start/write-keys.js';
import { HttpsClient } from '../support/https.js';
import { type Base, HOST, startBase, startServer, writeKeySetting } from './base.js';

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

/** Starts everything on free ports. */
export async function startErasureStack(
  teardown: Teardown,
  stopping: AbortSignal,
  say: (line: string) => void,
): Promise<ErasureStack> {
  const env = { WORKER_PROCESSES: '2', LOG_LEVEL: 'warn' };
  const base = await startBase(teardown, say, env);
  const { settings, databaseUrl, redisUrl, tls } = base;
  const { writeKeys, appPassword } = base.secrets;
  stopping.throwIfAborted();
  await migrate({ databaseUrl, appPassword });
  const { queuePrefix } = settings;
  await publishKeys(writeKeys, { databaseUrl, redisUrl, ...base.keys, queuePrefix });
  const appUrl = urlAs(databaseUrl, APPLICATION_ROLE, appPassword);
  const { port, adminPort } = await startApps({ ...base, databaseUrl: appUrl }, teardown, stopping);
  const second = await startServer(base, 'ingest-2', bundleOf('ingest'), {
    REDIS_URL: redisUrl,
    WRITE_KEYS: writeKeySetting(writeKeys),
  });
  const ports: [number, number] = [port, second];
  const ca = await readFile(tls.certFile, 'utf8');
  const clientOf = (of: number) => new HttpsClient(`https://${HOST}:${of}`, ca);
  return {
    ...{ databaseUrl, redisUrl, ports, ingests: ports.map(clientOf), admin: clientOf(adminPort) },
    ...{ adminToken: await makeToken(base), caFile: tls.certFile, writeKeys },
  };
}

async function makeToken({ databaseUrl, keys }: Base): Promise<string> {
  const database = new Database({ databaseUrl, name: 'muster-bench', connections: 2 });
  const admins = new AdminStore({ database, suppressionKey: keys.suppressionKey });
  const token = await admins.createToken('bench', adminScopes, { actor: 'bench' });
  await database.close();
  return token;
}
