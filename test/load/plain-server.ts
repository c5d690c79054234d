/**
 * The baseline: plain Fastify with the same TLS settings, which parses the body and responds. Hardly
 * any Node server that reads JSON over HTTPS is much faster.
 */
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { loadTls, runProcess } from '#platform';

runProcess(async () => {
  const { TLS_CERT_FILE: certFile = '', TLS_KEY_FILE: keyFile = '' } = process.env;
  const tls = await loadTls({ certFile, keyFile });
  const app = fastify({
    https: { ...tls, handshakeTimeout: 10_000 },
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
  });
  app.post('/v1/events', (request, reply) => {
    const { id } = request.body as { id?: unknown };
    void reply.status(202).send({ success: typeof id === 'string' });
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { ready: { port }, stop: () => app.close() };
});
