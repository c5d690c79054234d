import { randomUUID } from 'node:crypto';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { drainRequestBody, type Logger, responseTo } from '#platform';
import { type ErrorCode, MALFORMED, meanings, statusOf } from './errors.js';
import type { Refusals } from './refusals.js';

/** One error body for all clients: Segment's read `message`, PostHog's `detail`. */
function errorBody(code: ErrorCode, message: string) {
  return { success: false, code, message, detail: message };
}

/** Errors that Node reports before it has a request: code, status and message. */
const GIVEN_UP: Record<string, [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'The request headers are too large.',
  ],
};

/** Responds to requests that reach no route, hook or filter. Fastify's own responses repeat the URL. */
export function answersToMalformed(errors: ErrorFilter, refusals: Refusals) {
  return {
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-request-id', request.id);
      errors.refuse(reply, 'bad_request', MALFORMED);
    },
    clientErrorHandler: (error, socket) => {
      const isGone = error.code === 'ECONNRESET' || !socket.writable;
      const [status, message] = GIVEN_UP[error.code] ?? ['400 Bad Request', MALFORMED];
      const body = JSON.stringify(errorBody('bad_request', message));
      const requestId = randomUUID();
      const head = [
        `HTTP/1.1 ${status}`,
        'Content-Type: application/json',
        'Connection: close',
        `X-Request-Id: ${requestId}`,
        `Content-Length: ${body.length}`,
      ];
      const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      if (!isGone) {
        refusals.ofConnection(isLate ? 'request_timeout' : 'malformed_http', requestId);
        socket.write([...head, '', body].join('\r\n'));
      }
      socket.destroy();
    },
  } satisfies FastifyServerOptions;
}

/** Counts every refused request, and sends the one error body. Logs internal errors. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  /** @param unansweredAgents User-Agent prefixes of clients that only retry if they get no response */
  constructor(
    private readonly refusals: Refusals,
    private readonly logger: Logger,
    private readonly unansweredAgents: readonly string[],
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { code, message, retryAfterS, log } = responseTo(error, meanings);
    if (log) this.logger[log.level]({ err: error, requestId: reply.request.id }, log.line);
    this.refusals.ofRequest(reply.request, code, error);
    if (code === 'unavailable' && this.isLeftUnanswered(reply)) {
      reply.hijack();
      reply.request.raw.socket.destroy();
      return;
    }
    if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
    if (code === 'unauthorized') void reply.header('www-authenticate', 'Bearer realm="muster"');
    send(reply, statusOf[code], errorBody(code, message));
  }

  /** Refuses a request that reaches no route. */
  refuse(reply: FastifyReply, code: ErrorCode, message: string, status = statusOf[code]): void {
    this.refusals.ofRequest(reply.request, code);
    send(reply, status, errorBody(code, message));
  }

  /** dcos-signal drops its event at any status, but sends it up to ten times over broken connections. */
  private isLeftUnanswered({ request }: FastifyReply): boolean {
    const agent = request.headers['user-agent'] ?? '';
    return this.unansweredAgents.some((prefix) => agent.startsWith(prefix));
  }
}

/** Sends a response after draining the request's body. */
function send(reply: FastifyReply, status: number, body: object): void {
  void drainRequestBody(reply.request.raw).then(() => void reply.status(status).send(body));
}
