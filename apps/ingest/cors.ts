import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const PREFLIGHT_SECONDS = 86_400;

/** The response headers that a page may read. */
const EXPOSED = 'Retry-After, X-Request-Id';

/**
 * Lets pages of the given origins send events and read the responses (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Agents send no Origin and cost nothing here; @fastify/cors, which looks at every request, took a
 * sixth of ingest's time.
 *
 * Credentials are allowed: a beacon with a typed Blob always has them, and a browser does not say in
 * advance whether it will. Ingest sets no cookie and knows a sender by its write key alone, so
 * credentials give a page nothing. With them `*` is not valid, so the origin is repeated.
 */
export function allowOrigins(fastify: FastifyInstance, allowed: '*' | readonly string[]): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (origin !== undefined) allowOrigin(reply, origin, allowed);
    done();
  });
  fastify.options('*', (request, reply) => {
    if (request.headers['access-control-request-method'] === undefined) {
      reply.callNotFound();
      return;
    }
    allowRequest(request, reply);
    void reply.status(204).send();
  });
}

function allowOrigin(reply: FastifyReply, origin: string, allowed: '*' | readonly string[]): void {
  void reply.header('vary', 'Origin');
  if (allowed !== '*' && !allowed.includes(origin)) return;
  void reply.header('access-control-allow-origin', origin);
  void reply.header('access-control-allow-credentials', 'true');
  void reply.header('access-control-expose-headers', EXPOSED);
}

function allowRequest(request: FastifyRequest, reply: FastifyReply): void {
  const headers = request.headers['access-control-request-headers'];
  void reply.header('access-control-allow-methods', 'GET,HEAD,POST');
  void reply.header('access-control-max-age', PREFLIGHT_SECONDS);
  if (headers !== undefined) void reply.header('access-control-allow-headers', headers);
}
