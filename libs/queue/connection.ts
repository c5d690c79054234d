import { Redis } from 'ioredis';

/** The queue's name in Redis, below the prefix. */
export const ENVELOPES = 'envelopes';
/** The name of the queue of what the store does for itself. */
export const HOUSEKEEPING = 'housekeeping';

export interface QueueOptions {
  redisUrl: string;
  /** What all keys begin with. */
  prefix: string;
  /** Told of every failure of the connection, which mends itself. */
  onError: (error: Error) => void;
}

const MAX_RECONNECT_DELAY_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
const KEEP_ALIVE_DELAY_MS = 5000;
/** Longer than a worker's connection blocks while it waits for a job: 10 seconds at most. */
const PATIENT_SILENCE_MS = 12_000;

/**
 * For a server that answers while Redis is away: a command fails at once rather than wait for a
 * connection, and is never sent again behind the back of whoever was told that it failed.
 */
export function connectImpatiently({ redisUrl, onError }: QueueOptions, timeoutMs: number): Redis {
  return connect(redisUrl, onError, { isPatient: false, silenceMs: timeoutMs + 2000 });
}

/** For a worker, which has nothing better to do than to wait. */
export function connectPatiently({ redisUrl, onError }: QueueOptions): Redis {
  return connect(redisUrl, onError, { isPatient: true, silenceMs: PATIENT_SILENCE_MS });
}

function connect(
  url: string,
  onError: (error: Error) => void,
  { isPatient, silenceMs }: { isPatient: boolean; silenceMs: number },
): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: isPatient,
    autoResendUnfulfilledCommands: isPatient,
    maxRetriesPerRequest: null, // BullMQ asks for it
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_DELAY_MS,
    // A connection that swallows commands is given up for a new one.
    socketTimeout: silenceMs,
    // After a failover, the name leads to the new master.
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
