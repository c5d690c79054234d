import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  continueBeforeBodies,
  guardTransport,
  type IngestSettings,
  type Logger,
  NestLogger,
  refuseOtherMethods,
  StartupError,
  transportOptions,
} from '#platform';
import { authenticateByHeader } from './authenticate.js';
import { takeBodiesAsBytes } from './body.js';
import { allowOrigins } from './cors.js';
import { answersToMalformed, ErrorFilter } from './error-filter.js';
import { IngestModule, type IngestParts } from './ingest.module.js';

/** The HTTP application of ingest, with its hooks in the order in which a request passes them. */
export async function createApp(
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
  const module = IngestModule.with(settings, parts);
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    ...{ bodyParser: false, logger: new NestLogger(logger), abortOnError: false },
  });
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

/** @throws StartupError if the port is in use */
export async function listen(app: NestFastifyApplication, settings: IngestSettings): Promise<void> {
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
