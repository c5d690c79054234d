import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import {
  createLogger,
  type DestinationStream,
  Drain,
  type Environment,
  HttpServers,
  type IngestSettings,
  ingestSettings,
  type Logger,
  MetricsServer,
  readJsonFolder,
  ServedCertificate,
} from '#platform';
import { compileProducts, PRODUCT_NAME, readDeclaration } from '#telemetry';
import { createApp, listen } from './http-app.js';
import { ingestMetrics, type Measured } from './metrics.js';
import { openQueueSide } from './queue-side.js';
import { Refusals } from './refusals.js';

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
  const queue = await openQueueSide(settings, products, logger);
  const { counts } = queue;
  const { identityKey } = settings;
  const refusals = new Refusals({ counts, logger, identityKey, products: products.keys() });
  const drain = new Drain();
  const servers = new HttpServers(
    { ...settings, requestTimeoutMs: REQUEST_TIMEOUT_MS },
    certificate,
  );
  const app = await createApp(settings, { ...queue, drain, servers, refusals, products }, logger);
  await listen(app, settings);
  await servers.listenOnOtherAddresses(settings.host);
  servers.onFailedHandshake(() => refusals.ofConnection('tls_handshake'));
  servers.followCertificate();
  const metrics = await serveMetrics(settings, { ...queue, servers }, logger);
  const { port } = app.getHttpServer().address() as AddressInfo;
  logger.info({ port }, 'ingest listening');
  return {
    ready: { port, metricsPort: metrics?.port },
    stop: async () => {
      await drain.begin(settings.drainMs);
      certificate?.stop();
      await servers.close(app);
      refusals.stop();
      await queue.close();
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
