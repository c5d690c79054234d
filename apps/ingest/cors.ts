import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const PREFLIGHT_SECONDS = 86_400;

/**
 * Lets pages of the given origins send events and read the answers (https://fetch.spec.whatwg.org/#http-cors-protocol).
 * Agents send no Origin and pass by at no cost: @fastify/cors, which looks at every request, took a
 * sixth of ingest's time. Keys travel in headers or bodies, never in cookies, so credentials are not
 * allowed, and any origin may be.
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
  if (allowed === '*') {
    void reply.header('access-control-allow-origin', '*');
    return;
  }
  void reply.header('vary', 'Origin');
  if (allowed.includes(origin)) void reply.header('access-control-allow-origin', origin);
}

function allowRequest(request: FastifyRequest, reply: FastifyReply): void {
  const headers = request.headers['access-control-request-headers'];
  void reply.header('access-control-allow-methods', 'GET,HEAD,POST');
  void reply.header('access-control-max-age', PREFLIGHT_SECONDS);
  if (headers !== undefined) void reply.header('access-control-allow-headers', headers);
}
