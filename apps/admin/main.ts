import 'reflect-metadata';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  adminSettings,
  createLogger,
  NestLogger,
  publicPem,
  readErasureKey,
  readJsonFolder,
  runProcess,
  ServedCertificate,
  StartupError,
  type Logger,
} from '#platform';
import { QueueInspector } from '#queue';
import { compileProducts, readDeclaration } from '#telemetry';
import { AdminModule } from './admin.module.js';
import { ErrorFilter } from './errors.js';
import { Gatekeeper } from './gatekeeper.js';
import { serveDashboard } from './queue/dashboard.js';

/** Ten thousand GUIDs take 400 KB. */
const MAX_BODY_BYTES = 1024 * 1024;

runProcess(startAdmin, { name: 'admin' });

async function startAdmin() {
  const settings = adminSettings();
  const logger = createLogger({ name: 'admin', level: settings.logLevel });
  const certificate = await ServedCertificate.load(settings, logger);
  const pem = publicPem(await readErasureKey(settings.erasureKeyFile));
  const products = compileProducts(await readJsonFolder(settings.productsDir, readDeclaration));
  const parts = AdminModule.with(settings, pem, [...products.keys()], logger);
  const app = await createApp(parts, certificate, logger);
  await app.listen(settings.port, settings.host).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new StartupError(
      `Port ${settings.port} is in use; free it or set ADMIN_PORT to another.`,
    );
  });
  const server = app.getHttpServer() as Server;
  certificate.follow(server);
  const { port } = server.address() as AddressInfo;
  logger.info({ port }, 'the admin API listens');
  return {
    ready: { port },
    stop: async () => {
      certificate.stop();
      await app.close();
    },
  };
}

async function createApp(
  module: DynamicModule,
  { pair }: ServedCertificate,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    https: { ...pair, handshakeTimeout: 10_000 },
    skipMiddie: true,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  const errors = new ErrorFilter(logger);
  app.useGlobalFilters(errors);
  const fastify = adapter.getInstance();
  fastify.addContentTypeParser(['text/csv', 'text/plain'], { parseAs: 'string' }, (_, body, done) =>
    done(null, body),
  );
  const [inspector, gatekeeper] = [app.get(QueueInspector), app.get(Gatekeeper)];
  serveDashboard(fastify, { inspector, gatekeeper, errors });
  return app;
}
