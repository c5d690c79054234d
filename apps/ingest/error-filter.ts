import { randomUUID } from 'node:crypto';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { type Logger, drainRequestBody } from '#platform';
import { QueueUnavailable } from '#queue';
import { InvalidRequest } from '#telemetry';
import { type ErrorCode, RequestError, RETRY_AFTER_S, statusOf } from './errors.js';
import { RateLimited } from './limits.js';
import type { Refusals } from './refusals.js';

/** One error body for all clients: Segment's read `message`, PostHog's `detail`. */
export function errorBody(code: ErrorCode, message: string) {
  return { success: false, code, message, detail: message };
}

const MALFORMED = 'Malformed HTTP request.';

/** Errors that Node reports before it has a request: code, status and message. */
const GIVEN_UP: Record<string, [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'The request headers are too large.',
  ],
};

/** Responds to requests that reach no route, hook or filter. Fastify's own responses repeat the URL. */
export function answersToMalformed(refusals: Refusals) {
  return {
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) => {
      refusals.ofRequest(request, 'bad_request');
      void reply.header('x-request-id', request.id);
      void reply.status(400).send(errorBody('bad_request', MALFORMED));
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

/** Sends an error after draining the request's body. */
export function refuse(
  reply: FastifyReply,
  code: ErrorCode,
  message: string,
  status = statusOf[code],
): void {
  void drainRequestBody(reply.request.raw).then(() => {
    void reply.status(status).send(errorBody(code, message));
  });
}

/** Turns errors into the one error body, and logs internal ones. */
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
    const { code, message } = this.describe(error, reply.request.id);
    this.refusals.ofRequest(reply.request, code, error);
    if (error instanceof QueueUnavailable && this.isLeftUnanswered(reply)) {
      reply.hijack();
      reply.request.raw.socket.destroy();
      return;
    }
    if (error instanceof QueueUnavailable) {
      void reply.header('retry-after', RETRY_AFTER_S[error.reason]);
    }
    if (error instanceof RateLimited) void reply.header('retry-after', error.retryAfterS);
    if (code === 'unauthorized') void reply.header('www-authenticate', 'Bearer realm="muster"');
    refuse(reply, code, message);
  }

  /** dcos-signal drops its event at any status, but sends it up to ten times over broken connections. */
  private isLeftUnanswered({ request }: FastifyReply): boolean {
    const agent = request.headers['user-agent'] ?? '';
    return this.unansweredAgents.some((prefix) => agent.startsWith(prefix));
  }

  private describe(error: unknown, requestId: string): { code: ErrorCode; message: string } {
    if (error instanceof InvalidRequest || error instanceof RequestError) return error;
    if (error instanceof RateLimited) return { code: 'rate_limited', message: error.message };
    if (error instanceof QueueUnavailable) {
      return { code: 'unavailable', message: 'Ingestion is temporarily unavailable. Retry later.' };
    }
    const status = httpStatusOf(error);
    if (status === 404) return { code: 'not_found', message: 'Not found.' };
    if (status === 413) {
      return { code: 'body_too_large', message: 'The request body exceeds the size limit.' };
    }
    if (status !== undefined && status < 500) {
      return { code: 'bad_request', message: MALFORMED };
    }
    this.logger.error({ err: error, requestId }, 'request failed');
    return { code: 'internal', message: 'Internal server error.' };
  }
}

/** The status of an error of Nest or Fastify. */
function httpStatusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}
