import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { DynamicModule } from '@nestjs/common';
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
  NestLogger,
  readErasureKey,
  readFormerErasureKeys,
  readJsonFolder,
  refuseOtherMethods,
  runProcess,
  ServedCertificate,
  StartupError,
  transportOptions,
  type AdminSettings,
  type Logger,
} from '#platform';
import { QueueInspector } from '#queue';
import { compileProducts, readDeclaration } from '#telemetry';
import { AdminModule } from './admin.module.js';
import { ErrorFilter, refuseEarly } from './errors.js';
import { AuthGuard } from './auth-guard.js';
import { addHttpRules, refuseUnreadable } from './http-rules.js';
import { serveDashboard } from './queue/dashboard.js';

/** 10,000 GUIDs take 400 KB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** A request takes milliseconds; a slower client is holding the connection open. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Cloud resource names are long, and up to three times as long when percent-encoded. */
const MAX_PARAMETER_LENGTH = 4096;

runProcess(startAdmin, { name: 'admin' });

async function startAdmin() {
  const settings = adminSettings();
  const logger = createLogger({ name: 'admin', level: settings.logLevel });
  const certificate = settings.tls && (await ServedCertificate.load(settings.tls, logger));
  const keys = {
    key: await readErasureKey(settings.erasureKeyFile),
    formerKeys: await readFormerErasureKeys(settings.erasureKeyFile),
  };
  const products = compileProducts(await readJsonFolder(settings.productsDir, readDeclaration));
  const parts = AdminModule.with(settings, keys, [...products.keys()], logger);
  const servers = new HttpServers(
    { ...settings, requestTimeoutMs: REQUEST_TIMEOUT_MS },
    certificate,
  );
  const drain = new Drain();
  const app = await createApp(parts, servers, { ...settings, drain }, logger);
  await app.listen(settings.port, settings.host).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new StartupError(
      `Port ${settings.port} is in use. Free it, or set ADMIN_PORT to another port.`,
    );
  });
  await servers.listenOnOtherAddresses(settings.host);
  servers.followCertificate();
  const { port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ port }, 'admin API listening');
  return {
    ready: { port },
    stop: async () => {
      await drain.begin(settings.drainMs);
      certificate?.stop();
      await Promise.all([app.close(), servers.closeOtherAddresses()]);
    },
  };
}

async function createApp(
  module: DynamicModule,
  servers: HttpServers,
  transport: AdminSettings & { drain: Drain },
  logger: Logger,
): Promise<NestFastifyApplication> {
  const errors = new ErrorFilter(logger);
  const adapter = new FastifyAdapter({
    serverFactory: servers.create,
    ...transportOptions(transport),
    skipMiddie: true,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    forceCloseConnections: true,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) =>
      void errors.send(error, reply),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  app.useGlobalFilters(errors);
  const fastify = adapter.getInstance();
  addHttpRules(fastify, logger);
  guardTransport(fastify, {
    ...transport,
    refuse: (reply, status, message) => refuseEarly(reply, message, 'bad_request', status),
  });
  const answerOtherMethods = refuseOtherMethods(fastify, (reply, allowed) =>
    refuseEarly(reply, `Method not allowed. Allowed: ${allowed}.`, 'method_not_allowed'),
  );
  continueBeforeBodies(fastify, transport.drain);
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
