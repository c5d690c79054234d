import 'reflect-metadata';
import type { AddressInfo, Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  adminSettings,
  continueBeforeBodies,
  createLogger,
  Drain,
  dropUnannouncedBodies,
  guardTransport,
  HttpServers,
  MetricsServer,
  NestLogger,
  readErasureKey,
  readFormerErasureKeys,
  readJsonFolder,
  refuseOtherMethods,
  ServedCertificate,
  StartupError,
  transportOptions,
  type AdminSettings,
  type DestinationStream,
  type Environment,
  type Logger,
} from '#platform';
import { QueueInspector } from '#queue';
import { compileProducts, readDeclaration } from '#telemetry';
import { AdminModule, type AdminParts } from './admin.module.js';
import { ErrorFilter, refuseEarly } from './http/errors.js';
import { AuthGuard } from './http/auth.guard.js';
import { addHttpRules, refuseUnreadable } from './http/http-rules.js';
import { AdminMetrics } from './http/metrics.js';
import { serveDashboard } from './operations/queue-dashboard.js';

/** 10,000 GUIDs take 400 KB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** A request takes milliseconds; a slower client is holding the connection open. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Cloud resource names are long, and up to three times as long when percent-encoded. */
const MAX_PARAMETER_LENGTH = 4096;

/**
 * Starts the admin API. Tests start several in one process.
 *
 * @param env default: the environment of the process
 * @param output receives the log lines; default: stdout
 * @throws StartupError
 */
export async function startAdmin(env?: Environment, output?: DestinationStream) {
  const settings = adminSettings(env);
  const logger = createLogger({ name: 'admin', level: settings.logLevel }, output);
  const certificate = settings.tls && (await ServedCertificate.load(settings.tls, logger));
  const keys = {
    key: await readErasureKey(settings.erasureKeyFile),
    formerKeys: await readFormerErasureKeys(settings.erasureKeyFile),
  };
  const products = compileProducts(await readJsonFolder(settings.productsDir, readDeclaration));
  const servers = new HttpServers(
    { ...settings, requestTimeoutMs: REQUEST_TIMEOUT_MS },
    certificate,
  );
  const drain = new Drain();
  const parts = { keys, products: [...products.keys()], drain, servers };
  const app = await createApp(settings, parts, logger);
  await app.listen(settings.port, settings.host).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new StartupError(
      `Port ${settings.port} is in use. Free it, or set ADMIN_PORT to another port.`,
    );
  });
  await servers.listenOnOtherAddresses(settings.host);
  servers.followCertificate();
  const metrics = app.get(AdminMetrics);
  servers.onFailedHandshake(() => metrics.countConnection('tls_handshake'));
  const metricsServer = await serveMetrics(settings, metrics, logger);
  const { port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ port }, 'admin API listening');
  return {
    ready: { port, metricsPort: metricsServer?.port },
    stop: async () => {
      await drain.begin(settings.drainMs);
      certificate?.stop();
      await servers.close(app);
      await app.get(AdminModule).close();
      await metricsServer?.close();
    },
  };
}

/** Opens the metrics port, if ADMIN_METRICS_PORT is set. */
async function serveMetrics(
  { metricsPort: port, metricsHost: host }: AdminSettings,
  { registry }: AdminMetrics,
  logger: Logger,
): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined;
  const server = await MetricsServer.open(registry, { port, host, setting: 'ADMIN_METRICS_PORT' });
  logger.info({ port: server.port }, 'metrics endpoint listening');
  return server;
}

async function createApp(
  settings: AdminSettings,
  parts: AdminParts,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const { drain } = parts;
  const errors = new ErrorFilter(logger);
  const adapter = adapterOf(settings, parts, errors, () => app.get(AdminMetrics));
  const module = AdminModule.with(settings, parts, logger);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  app.useGlobalFilters(errors);
  const fastify = adapter.getInstance();
  addHttpRules(fastify, { logger, metrics: app.get(AdminMetrics) });
  guardTransport(fastify, {
    ...{ ...settings, drain },
    refuse: (reply, status, message) => refuseEarly(reply, message, 'bad_request', status),
  });
  const answerOtherMethods = refuseOtherMethods(fastify, (reply, allowed) =>
    refuseEarly(reply, `Method not allowed. Allowed: ${allowed}.`, 'method_not_allowed'),
  );
  continueBeforeBodies(fastify, drain);
  dropUnannouncedBodies(fastify);
  fastify.addContentTypeParser(['text/csv', 'text/plain'], { parseAs: 'string' }, (_, body, done) =>
    done(null, body),
  );
  const [inspector, authGuard] = [app.get(QueueInspector), app.get(AuthGuard)];
  serveDashboard(fastify, { inspector, authGuard, errors });
  await app.init();
  answerOtherMethods();
  return app;
}

function adapterOf(
  settings: AdminSettings,
  { servers }: AdminParts,
  errors: ErrorFilter,
  metrics: () => AdminMetrics,
): FastifyAdapter {
  return new FastifyAdapter({
    serverFactory: servers.create,
    ...transportOptions(settings),
    skipMiddie: true,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    // While it drains, a request on an open connection is still served: its sender may not retry.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => {
      const refusal = refuseUnreadable(error, socket);
      if (refusal) metrics().countConnection(refusal);
    },
    // Fastify calls no hooks for these.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      void errors.send(error, reply).then(() => metrics().count(request, reply)),
  });
}
