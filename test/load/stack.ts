import type { Teardown } from '#devservers';
import { migrate } from '#storage';
import { bundleOf, startApps } from '../../apps/start/apps.js';
import { publishKeys } from '../../apps/start/write-keys.js';
import { startBase, startServer, writeKeySetting } from './base.js';

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

const PRODUCT = 'dcos';

/** Starts everything on free ports. */
export async function startStack(
  teardown: Teardown,
  stopping: AbortSignal,
  say: (line: string) => void,
): Promise<Stack> {
  const base = await startBase(teardown, say);
  const { secrets, settings, databaseUrl, redisUrl } = base;
  stopping.throwIfAborted();
  await migrate({ databaseUrl });
  stopping.throwIfAborted();
  const writeKeys = { [PRODUCT]: secrets.writeKeys[PRODUCT] ?? '' };
  const { queuePrefix } = settings;
  await publishKeys(writeKeys, { databaseUrl, redisUrl, ...base.keys, queuePrefix });
  const whole = await startApps(base, teardown, stopping);
  const unreadRedisUrl = redisUrl.replace(/\/0$/, '/1');
  return {
    plainPort: await startServer(base, 'plain', new URL('plain-server.js', import.meta.url)),
    ingestPort: await startServer(base, 'ingest-alone', bundleOf('ingest'), {
      WRITE_KEYS: writeKeySetting(writeKeys),
      REDIS_URL: unreadRedisUrl,
    }),
    wholePort: whole.port,
    ...{ databaseUrl, unreadRedisUrl, caFile: base.tls.certFile, writeKey: writeKeys[PRODUCT] },
  };
}
