import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  continueBeforeBodies,
  createLogger,
  type DestinationStream,
  Drain,
  type Environment,
  guardTransport,
  HttpServers,
  type IngestSettings,
  ingestSettings,
  logClock,
  type Logger,
  MetricsServer,
  NestLogger,
  readJsonFolder,
  refuseOtherMethods,
  ServedCertificate,
  StartupError,
  transportOptions,
} from '#platform';
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
import { compileProducts, PRODUCT_NAME, readDeclaration } from '#telemetry';
import { authenticateByHeader } from './authenticate.js';
import { takeBodiesAsBytes } from './body.js';
import { allowOrigins } from './cors.js';
import { EdgePolicy } from './edge-policy.js';
import { answersToMalformed, ErrorFilter } from './error-filter.js';
import { IngestModule, type IngestParts } from './ingest.module.js';
import { ingestMetrics, type Measured } from './metrics.js';
import { Refusals } from './refusals.js';
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
/** A request takes milliseconds; a slower client is holding the connection open. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Starts ingest. Tests start several in one process.
 *
 * @param env default: the environment of the process
 * @param output receives the log lines; default: stdout
 * @throws StartupError
 */
export async function startIngest(env?: Environment, output?: DestinationStream) {
  const settings = ingestSettings(PRODUCT_NAME, env);
  const logger = createLogger({ name: 'ingest', level: settings.logLevel }, output);
  const certificate = settings.tls && (await ServedCertificate.load(settings.tls, logger));
  const products = compileProducts(await readJsonFolder(settings.productsDir, readDeclaration));
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
  const refusals = new Refusals({ counts, logger, identityKey, products: products.keys() });
  const drain = new Drain();
  const servers = new HttpServers(
    { ...settings, requestTimeoutMs: REQUEST_TIMEOUT_MS },
    certificate,
  );
  const parts = {
    ...{ clock, drain, servers, keys, policy },
    ...{ writer, limiter, follower, refusals, products },
  };
  const app = await createApp(settings, parts, logger);
  await listen(app, settings);
  await servers.listenOnOtherAddresses(settings.host);
  servers.onFailedHandshake(() => refusals.ofConnection('tls_handshake'));
  servers.followCertificate();
  const metrics = await serveMetrics(
    settings,
    { counts, writer, follower, clock, servers },
    logger,
  );
  const { port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ port }, 'ingest listening');
  return {
    ready: { port, metricsPort: metrics?.port },
    stop: async () => {
      await drain.begin(settings.drainMs);
      certificate?.stop();
      await servers.close(app);
      follower.stop();
      clock.stop();
      await writer.close();
      refusals.stop();
      await announcer.close();
      redis.close();
      await metrics?.close();
    },
  };
}

/** Opens the metrics port, if INGEST_METRICS_PORT is set. */
async function serveMetrics(
  { metricsPort, metricsHost }: IngestSettings,
  measured: Measured,
  logger: Logger,
): Promise<MetricsServer | undefined> {
  if (metricsPort === undefined) return undefined;
  const setting = 'INGEST_METRICS_PORT';
  const metrics = await MetricsServer.open(ingestMetrics(measured), {
    ...{ port: metricsPort, host: metricsHost, setting },
  });
  logger.info({ port: metrics.port }, 'metrics endpoint listening');
  return metrics;
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

async function createApp(
  settings: IngestSettings,
  parts: IngestParts,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const errors = new ErrorFilter(parts.refusals, logger, settings.unansweredAgents);
  const adapter = new FastifyAdapter({
    serverFactory: parts.servers.create,
    ...transportOptions(settings),
    skipMiddie: true,
    // While it drains, a request on an open connection is still served: its sender may not retry.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true },
    ...answersToMalformed(errors, parts.refusals),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    IngestModule.with(settings, parts),
    adapter,
    { bodyParser: false, logger: new NestLogger(logger), abortOnError: false },
  );
  const fastify = adapter.getInstance();
  guardTransport(fastify, {
    ...settings,
    drain: parts.drain,
    refuse: (reply, status, message) => errors.refuse(reply, 'bad_request', message, status),
  });
  const answerOtherMethods = refuseOtherMethods(fastify, (reply, allowed) =>
    errors.refuse(reply, 'method_not_allowed', `This address takes ${allowed}.`),
  );
  allowOrigins(fastify, settings.corsOrigins);
  authenticateByHeader(fastify, parts.keys);
  continueBeforeBodies(fastify, parts.drain);
  takeBodiesAsBytes(fastify, parts.keys, settings);
  app.useGlobalFilters(errors);
  await app.init();
  answerOtherMethods();
  return app;
}

async function listen(app: NestFastifyApplication, settings: IngestSettings): Promise<void> {
  try {
    await app.listen(settings.port, settings.host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new StartupError(
        `Port ${settings.port} is in use; free it or set INGEST_PORT to another.`,
      );
    }
    throw error;
  }
}
