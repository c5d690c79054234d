import { createRedisBackend, Queue, type BackendFactory, type RedisQueueBackend } from 'bullmq';
import { Redis } from 'ioredis';

/** The queues, by their names in Redis below the prefix. */
export type QueueName = typeof ENVELOPES | typeof MAINTENANCE;
export const ENVELOPES = 'envelopes';
/** The queue of maintenance jobs. */
export const MAINTENANCE = 'housekeeping';

export interface RedisOptions {
  redisUrl: string;
  /** The prefix of all keys. */
  prefix: string;
  /** Called for every failure of a connection, which then reconnects. */
  onError: (error: Error) => void;
  /** How long Redis may take to respond, in milliseconds. Default: 3000. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 3000;
const MAX_RECONNECT_DELAY_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;
const KEEP_ALIVE_DELAY_MS = 5000;
/** Longer than a worker's connection blocks while it waits for a job: 10 seconds at most. */
const BLOCKING_SILENCE_MS = 12_000;

/**
 * The connections of one process to Redis, which its parts share. They are opened when they are first used, and
 * reconnect by themselves.
 */
export class RedisConnections {
  readonly prefix: string;
  readonly #options: RedisOptions;
  readonly #open: Redis[] = [];
  #failFast: Redis | undefined;
  #patient: Redis | undefined;

  constructor(options: RedisOptions) {
    this.prefix = options.prefix;
    this.#options = options;
  }

  /**
   * For what must respond while Redis is unavailable: commands fail immediately instead of waiting for a
   * connection, and are never resent after their caller saw them fail.
   */
  get failFast(): Redis {
    const silenceMs = (this.#options.timeoutMs ?? TIMEOUT_MS) + 2000;
    return (this.#failFast ??= this.#connect({ waits: false, silenceMs }));
  }

  /** Commands wait for the connection. */
  get patient(): Redis {
    return (this.#patient ??= this.connectPatient());
  }

  /** Another patient connection, for work that must not wait behind long responses of others. */
  connectPatient(): Redis {
    return this.#connect({ waits: true, silenceMs: BLOCKING_SILENCE_MS });
  }

  /** @param backend dates the jobs that the queue adds, delays and retries */
  queue(
    name: QueueName,
    redis: Redis,
    backend: BackendFactory<RedisQueueBackend> = createRedisBackend,
  ): Queue {
    const options = { connection: redis, prefix: this.prefix };
    const queue = new Queue(
      name,
      { ...options, skipVersionCheck: true, skipMetasUpdate: true },
      backend,
    );
    queue.on('error', this.#options.onError);
    return queue;
  }

  /** Closes all connections, after everything that uses them has stopped. */
  close(): void {
    for (const redis of this.#open) redis.disconnect();
  }

  #connect({ waits, silenceMs }: { waits: boolean; silenceMs: number }): Redis {
    const redis = new Redis(this.#options.redisUrl, {
      enableOfflineQueue: waits,
      autoResendUnfulfilledCommands: waits,
      maxRetriesPerRequest: null, // BullMQ requires it
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepAlive: KEEP_ALIVE_DELAY_MS,
      // Replaces a connection on which commands get no response.
      socketTimeout: silenceMs,
      // After a failover, the host name resolves to the new master.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
    });
    redis.on('error', this.#options.onError);
    this.#open.push(redis);
    return redis;
  }
}

/** Resolves when the connection has been lost. */
export async function untilLost(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await new Promise<void>((resolve) => redis.once('close', resolve));
}
