import { type IngestSettings, logClock, type Logger, StartupError } from '#platform';
import {
  type Clock,
  CountAnnouncer,
  EnvelopeWriter,
  IngestCounts,
  PolicyFollower,
  type QueueUnavailable,
  RateLimiter,
  RedisConnections,
  StoreClock,
} from '#queue';
import type { Products } from '#telemetry';
import { EdgePolicy } from './edge-policy.js';
import { WriteKeys } from './write-keys.js';

/** How long a start waits for the first check of Redis. */
const SETTLE_MS = 3000;
/**
 * How long a start waits for the policy, so that administrators' keys work from the first request. A worker publishes
 * a lost policy within a second.
 */
const POLICY_MS = 1500;
/** How long a start waits for Redis' time, which dates events. */
const CLOCK_MS = 1500;

/**
 * What ingest does with Redis: it enqueues events, counts and limits them, and follows the policy.
 * @throws StartupError if Redis does not store events durably
 */
export async function openQueueSide(settings: IngestSettings, products: Products, logger: Logger) {
  const redis = connectRedis(settings, logger);
  const clock = new StoreClock(redis, logClock(logger));
  const counts = new IngestCounts(clock);
  const writer = envelopeWriter(settings, { redis, counts, clock }, logger);
  const announcer = new CountAnnouncer(redis, counts);
  const { redisTimeoutMs: timeoutMs, identityKey } = settings;
  const limiter = new RateLimiter(redis, { timeoutMs, identityKey });
  const closed = await refuseUndurable(writer);
  await clock.start(closed?.reason === 'unreachable' ? 0 : CLOCK_MS);
  const isComplete = () => follower.state !== 'unread';
  const keys = new WriteKeys(settings.writeKeys ?? new Map(), isComplete, clock);
  const policy = new EdgePolicy(keys, products);
  const follower = followPolicy(settings, { redis, policy }, logger);
  await follower.start(closed?.reason === 'unreachable' ? 0 : POLICY_MS);
  return {
    ...{ clock, counts, writer, limiter, keys, policy, follower },
    /** Announces the last counts, and disconnects. */
    close: async () => {
      follower.stop();
      clock.stop();
      await writer.close();
      await announcer.close();
      redis.close();
    },
  };
}

function connectRedis(settings: IngestSettings, logger: Logger): RedisConnections {
  return new RedisConnections({
    redisUrl: settings.redisUrl,
    prefix: settings.queuePrefix,
    timeoutMs: settings.redisTimeoutMs,
    onError: (error) => logger.debug({ err: error }, 'Redis connection failed'),
  });
}

function envelopeWriter(
  settings: IngestSettings,
  { redis, ...options }: { redis: RedisConnections; counts: IngestCounts; clock: Clock },
  logger: Logger,
): EnvelopeWriter {
  return new EnvelopeWriter(redis, {
    ...options,
    timeoutMs: settings.redisTimeoutMs,
    holdMs: settings.redisHoldMs,
    maxHeld: settings.maxHeldRequests,
    memoryShare: settings.redisMemoryShare,
    verifiesDurability: settings.redisDurability === 'verified',
    onChange: logChanges(logger),
  });
}

/** One line when ingest stops taking events, one for each further reason, and one when it resumes. */
function logChanges(logger: Logger): (closed: QueueUnavailable | null) => void {
  const logged = new Set<string>();
  return (closed) => {
    if (closed === null) {
      logged.clear();
      logger.info('ingestion resumed');
    } else if (!logged.has(closed.reason)) {
      logged.add(closed.reason);
      logger.warn({ reason: closed.reason }, `ingestion paused: ${closed.message}`);
    }
  };
}

function followPolicy(
  settings: IngestSettings,
  { redis, policy }: { redis: RedisConnections; policy: EdgePolicy },
  logger: Logger,
) {
  return new PolicyFollower(redis, {
    onPolicy: (next) => {
      policy.apply(next);
      logger.info({ revision: next.revision }, 'policy updated');
    },
    onUnknown: (error) =>
      logger.error({ err: error }, 'policy in Redis is unreadable; keeping the previous policy'),
    isRequired: settings.writeKeys === undefined || settings.requirePolicy === 'on',
  });
}

/** @returns why events cannot be accepted yet; null if they can */
async function refuseUndurable(writer: EnvelopeWriter): Promise<QueueUnavailable | null> {
  const closed = await writer.settle(SETTLE_MS);
  if (closed?.reason === 'not_durable') throw new StartupError(closed.message);
  return closed;
}
