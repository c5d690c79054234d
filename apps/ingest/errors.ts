import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { type Logger, restOfBody } from '#platform';
import { type ClosedReason, QueueUnavailable } from '#queue';
import { InvalidRequest, type InvalidRequestCode } from '#telemetry';
import { RateLimited } from './limits.js';
import type { Refusals } from './refusals.js';

/** A refusal of a request, for a reason that lies in HTTP rather than in telemetry. */
export class RequestError extends Error {
  constructor(
    readonly code: RequestErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A write key that is not accepted. */
export interface RefusedKey {
  /** SHA-256 of the key, in hex. */
  keyDigest: string;
  /** Of a key that has ended. */
  product?: string | undefined;
}

/** A request without a valid write key. */
export class Unauthorized extends RequestError {
  /** @param refused null where the request has no key */
  constructor(
    message: string,
    readonly refused: RefusedKey | null,
  ) {
    super('unauthorized', message);
  }
}

export type RequestErrorCode =
  | 'bad_request'
  | 'unauthorized'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'inflated_too_large'
  | 'invalid_encoding'
  | 'unsupported_encoding';

export type ErrorCode =
  InvalidRequestCode | RequestErrorCode | 'rate_limited' | 'unavailable' | 'internal';

/** The HTTP status of every public error code. */
export const statusOf: Record<ErrorCode, number> = {
  bad_request: 400,
  invalid_json: 400,
  invalid_body: 400,
  invalid_encoding: 400,
  unknown_report: 400,
  unknown_dialect: 400,
  unsupported_product: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  inflated_too_large: 413,
  too_deep: 413,
  too_many_values: 413,
  too_many_events: 413,
  event_too_large: 413,
  unsupported_encoding: 415,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
};

/** Retry-After, in seconds. A full queue takes longer to recover than a lost connection. */
const RETRY_AFTER_S: Record<ClosedReason, number> = {
  unreachable: 5,
  overloaded: 5,
  closing: 5,
  read_only: 5,
  no_replicas: 5,
  wrong_node: 30,
  not_allowed: 30,
  loading: 5,
  policy_unread: 5,
  memory: 30,
  not_durable: 30,
  not_saved: 30,
  refused: 5,
};

/** The one error body that all clients can live with: Segment reads `message`, PostHog `detail`. */
export function errorBody(code: ErrorCode, message: string) {
  return { success: false, code, message, detail: message };
}

const MALFORMED = 'The request is not well-formed HTTP.';

/** Why Node gives up on a connection before it has a request: Node's code, the status, the message. */
const GIVEN_UP: Record<string, [status: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
};

/** Answers what reaches no route, and so no filter. Fastify's own answers repeat the address. */
export function answersToMalformed(refusals: Refusals) {
  return {
    frameworkErrors: (_error, request: FastifyRequest, reply: FastifyReply) => {
      refusals.ofRequest(request, 'bad_request');
      void reply.status(400).send(errorBody('bad_request', MALFORMED));
    },
    clientErrorHandler: (error, socket) => {
      const isGone = error.code === 'ECONNRESET' || !socket.writable;
      const [status, message] = GIVEN_UP[error.code] ?? ['400 Bad Request', MALFORMED];
      const body = JSON.stringify(errorBody('bad_request', message));
      const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close`;
      const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
      if (!isGone) {
        refusals.ofConnection(isLate ? 'request_timeout' : 'malformed_http');
        socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
      socket.destroy();
    },
  } satisfies FastifyServerOptions;
}

/** Sends a refusal, once the rest of the body has been read. */
export function refuse(
  reply: FastifyReply,
  code: ErrorCode,
  message: string,
  status = statusOf[code],
): void {
  void restOfBody(reply.request.raw).then(() => {
    void reply.status(status).send(errorBody(code, message));
  });
}

/** Turns errors into the one error body, and logs internal ones. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  /** @param unansweredAgents how the User-Agent of clients begins that resend only without an answer */
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
      return { code: 'body_too_large', message: 'The request body is above the size limit.' };
    }
    if (status !== undefined && status < 500) {
      return { code: 'bad_request', message: MALFORMED };
    }
    this.logger.error({ err: error, requestId }, 'a request failed');
    return { code: 'internal', message: 'Internal server error.' };
  }
}

/** The status that Nest or Fastify mean an error to have. */
function httpStatusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}
