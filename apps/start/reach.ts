import { Redis } from 'ioredis';
import { Client } from 'pg';
import { StartupError } from '#platform';

const LIMIT_MS = 8000;

/** @throws StartupError, one sentence without the password, when the database can't be used */
export async function reachPostgres(databaseUrl: string): Promise<void> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: LIMIT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const place = `${client.host}:${client.port}`;
    throw unreachable('Postgres', place, 'DATABASE_URL', error);
  } finally {
    await client.end();
  }
}

/** @throws StartupError, one sentence without the password, when Redis can't be used */
export async function reachRedis(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: LIMIT_MS,
    commandTimeout: LIMIT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // `connect` only says that the connection was closed; the reason comes by this event.
  let reason: unknown;
  redis.on('error', (error) => (reason = error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    const { host, port } = redis.options;
    throw unreachable('Redis', `${host}:${port}`, 'REDIS_URL', reason ?? error);
  } finally {
    redis.disconnect();
  }
}

function unreachable(what: string, place: string, setting: string, cause: unknown) {
  return new StartupError(
    `${what} at ${place} cannot be reached (${reasonOf(cause)}); check ${setting}.`,
    { cause },
  );
}

/** The server's own words or the system's code; never the whole error, which may hold a URL. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code?.startsWith('E') ? code : message || code || 'unknown';
}
