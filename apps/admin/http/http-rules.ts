import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#platform';
import { administratorIn } from './auth.guard.js';
import type { AdminMetrics, ConnectionRefusal } from './metrics.js';
import { SECURITY_HEADERS, secure } from './security-headers.js';

/** Adds security headers to every response, and logs and counts every request. */
export function addHttpRules(
  fastify: FastifyInstance,
  { logger, metrics }: { logger: Logger; metrics: AdminMetrics },
): void {
  fastify.addHook('onRequest', (_request, reply, done) => {
    secure(reply);
    done();
  });
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    // Again, because the dashboard's files set their own cache-control.
    secure(reply);
    done(null, payload);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    logRequest(logger, request, reply);
    metrics.count(request, reply);
    done();
  });
}

/** Logs the route's pattern, not its URL: the URL may contain an installation's id. */
function logRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { method, id: requestId } = request;
  const line = {
    ...{ requestId, method, route: request.routeOptions.url, status: reply.statusCode },
    actor: administratorIn(request)?.name,
    durationMs: Math.round(reply.elapsedTime),
  };
  const level = method === 'GET' || method === 'HEAD' ? 'debug' : 'info';
  logger[level](line, 'request completed');
}

/**
 * Sends the usual error body for what Node rejects before it creates a request.
 * @returns why; undefined if the client is gone
 */
export function refuseUnreadable(
  error: NodeJS.ErrnoException,
  socket: Socket,
): ConnectionRefusal | undefined {
  if (error.code === 'ECONNRESET' || socket.destroyed) return undefined;
  if (socket.writable) {
    const status = STATUS[error.code ?? ''] ?? '400 Bad Request';
    const message = 'Malformed request.';
    const body = JSON.stringify({ success: false, code: 'bad_request', message });
    const headers = {
      ...SECURITY_HEADERS,
      'x-request-id': randomUUID(),
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write([`HTTP/1.1 ${status}`, ...lines, '', body].join('\r\n'));
  }
  socket.destroy(error);
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'malformed_http';
}

const STATUS: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};
