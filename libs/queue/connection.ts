import { Redis } from 'ioredis';

/** The queue's name in Redis, below the prefix. */
export const ENVELOPES = 'envelopes';

export interface QueueOptions {
  redisUrl: string;
  /** What all keys begin with. */
  prefix: string;
  /** Told of every failure of the connection, which mends itself. */
  onError: (error: Error) => void;
}

const MAX_RECONNECT_DELAY_MS = 1000;

/**
 * For a server that answers while Redis is away: a command fails at once rather than wait for a
 * connection, and is never sent again behind the back of whoever was told that it failed.
 */
export function connectImpatiently({ redisUrl, onError }: QueueOptions, timeoutMs: number): Redis {
  return connect(redisUrl, onError, { isPatient: false, silenceMs: timeoutMs + 2000 });
}

/** For a worker, which has nothing better to do than to wait. */
export function connectPatiently({ redisUrl, onError }: QueueOptions): Redis {
  // Longer than a worker's connection blocks, waiting for a job.
  return connect(redisUrl, onError, { isPatient: true, silenceMs: 30_000 });
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
    connectTimeout: 5000,
    // A connection that swallows commands is given up for a new one.
    socketTimeout: silenceMs,
    // After a failover, the name leads to the new master.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
  });
  redis.on('error', onError);
  return redis;
}

/**
 * What a command answers within a time limit. A command that was under way when its connection broke may
 * not be settled at all.
 * @throws Error where it does not answer in time
 */
export async function answerWithin<T>(limitMs: number, command: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis did not answer in time.')), limitMs);
  });
  try {
    return await Promise.race([command, limit]);
  } finally {
    clearTimeout(timer);
  }
}
