import { Redis } from 'ioredis';
import { Client } from 'pg';
import { StartupError } from '#platform';

const TIMEOUT_MS = 8000;

/** @throws StartupError if the database cannot be used; the message does not contain the password */
export async function checkPostgres(databaseUrl: string): Promise<void> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: TIMEOUT_MS,
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

/** Whether a client can log in with this URL. */
export async function isReachable(databaseUrl: string): Promise<boolean> {
  return checkPostgres(databaseUrl).then(
    () => true,
    () => false,
  );
}

/** @throws StartupError if Redis cannot be used; the message does not contain the password */
export async function checkRedis(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // `connect` only reports that the connection was closed; this event has the reason.
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

/** The server's message or the system's code; never the whole error, which may contain a URL. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code?.startsWith('E') ? code : message || code || 'unknown';
}
