import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DestinationStream, Environment, Logger, WorkerSettings } from '#platform';
import {
  createLogger,
  NestLogger,
  readErasureKey,
  readFormerErasureKeys,
  readJsonFolder,
  workerSettings,
} from '#platform';
import { compileProducts, readDeclaration } from '#telemetry';
import { WorkerModule } from './worker.module.js';

/**
 * Starts a worker. Tests start several in one process.
 *
 * @param env default: the environment of the process
 * @param output receives the log lines; default: stdout
 * @throws StartupError
 */
export async function startWorker(env?: Environment, output?: DestinationStream) {
  const settings = workerSettings(env);
  const logger = createLogger({ name: 'worker', level: settings.logLevel }, output);
  const keys = {
    key: await readErasureKey(settings.erasureKeyFile),
    formerKeys: await readFormerErasureKeys(settings.erasureKeyFile),
  };
  const products = compileProducts(await readJsonFolder(settings.productsDir, readDeclaration));
  const adapter = new FastifyAdapter({ skipMiddie: true, forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(
    WorkerModule.with(settings, products, keys, logger),
    adapter,
    { bodyParser: false, logger: new NestLogger(logger), abortOnError: false },
  );
  const healthPort = await open(app, settings, logger);
  logger.info({ concurrency: settings.concurrency }, 'worker started');
  return { ready: { healthPort }, stop: () => app.close() };
}

/** Starts the module, and the health endpoint if WORKER_HEALTH_PORT is set. */
async function open(
  app: NestFastifyApplication,
  { healthPort, healthHost }: WorkerSettings,
  logger: Logger,
): Promise<number | undefined> {
  if (healthPort === undefined) {
    await app.init();
    return undefined;
  }
  await app.listen(healthPort, healthHost);
  const { port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ port }, 'health endpoint listening');
  return port;
}
