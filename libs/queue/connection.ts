import { Redis } from 'ioredis';

/** The queue's name in Redis, below the prefix. */
export const ENVELOPES = 'envelopes';
/** The queue of maintenance jobs. */
export const HOUSEKEEPING = 'housekeeping';

export interface QueueOptions {
  redisUrl: string;
  /** The prefix of all keys. */
  prefix: string;
  /** Called for every failure of the connection, which then reconnects. */
  onError: (error: Error) => void;
}

const MAX_RECONNECT_DELAY_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
const KEEP_ALIVE_DELAY_MS = 5000;
/** Longer than a worker's connection blocks while it waits for a job: 10 seconds at most. */
const BLOCKING_SILENCE_MS = 12_000;

/**
 * For a server that must respond while Redis is unavailable: commands fail immediately instead of waiting for a
 * connection, and are never resent after their caller saw them fail.
 */
export function connectFailFast({ redisUrl, onError }: QueueOptions, timeoutMs: number): Redis {
  return connect(redisUrl, onError, { isBlocking: false, silenceMs: timeoutMs + 2000 });
}

/** For a worker: commands wait for the connection. */
export function connectBlocking({ redisUrl, onError }: QueueOptions): Redis {
  return connect(redisUrl, onError, { isBlocking: true, silenceMs: BLOCKING_SILENCE_MS });
}

function connect(
  url: string,
  onError: (error: Error) => void,
  { isBlocking, silenceMs }: { isBlocking: boolean; silenceMs: number },
): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: isBlocking,
    autoResendUnfulfilledCommands: isBlocking,
    maxRetriesPerRequest: null, // BullMQ requires it
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_DELAY_MS,
    // Replaces a connection on which commands get no response.
    socketTimeout: silenceMs,
    // After a failover, the host name resolves to the new master.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
  });
  redis.on('error', onError);
  return redis;
}

/** Resolves when the connection has been lost. */
export async function untilLost(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await new Promise<void>((resolve) => redis.once('close', resolve));
}
