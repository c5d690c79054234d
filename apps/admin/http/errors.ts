import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Logger, drainRequestBody } from '#platform';
import { QueueUnavailable } from '#queue';
import { IdempotencyKeyReused, isBadValue, isConnectionLoss, isTimeout } from '#storage';
import { secure } from './security-headers.js';

/** The HTTP status of every public error code. */
export const statusOf = {
  bad_request: 400,
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  not_ready: 409,
  conflict: 409,
  idempotency_key_reused: 409,
  too_many_attempts: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof statusOf;
export const errorCodes = Object.keys(statusOf) as ErrorCode[];

/** The default `Retry-After`, in seconds. */
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = { unavailable: 5 };

/** An error response: a public code, a message, and the path of the faulty field. */
export class AdminError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly path?: string,
    /** Overrides the default of the code. */
    readonly retryAfterS?: number,
  ) {
    super(message);
  }
}

const sentCodes = new WeakMap<FastifyReply, ErrorCode>();

/** The code of the error response that was sent; undefined for any other response. */
export function errorCodeOf(reply: FastifyReply): ErrorCode | undefined {
  return sentCodes.get(reply);
}

/** The error body. Counts as the response's error code. */
export function errorBody(
  reply: FastifyReply,
  { code, message, path }: Pick<Flaw, 'code' | 'message' | 'path'>,
) {
  sentCodes.set(reply, code);
  return { success: false, code, message, ...(path !== undefined && { path }) };
}

/** Sends an error for a request that reached no route. */
export function refuseEarly(
  reply: FastifyReply,
  message: string,
  code: ErrorCode = 'bad_request',
  status: number = statusOf[code],
): void {
  void reply.status(status).send(errorBody(reply, { code, message }));
}

interface Flaw {
  code: ErrorCode;
  message: string;
  path?: string | undefined;
  retryAfterS?: number | undefined;
}

/** Maps any thrown error to the error response, and logs those that the client did not cause. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    void this.send(error, host.switchToHttp().getResponse<FastifyReply>());
  }

  /** Resolves when the response is sent. */
  async send(error: unknown, reply: FastifyReply): Promise<void> {
    secure(reply);
    const flaw = this.describe(error, reply.request);
    const { code, retryAfterS = RETRY_AFTER_S[code] } = flaw;
    if (code === 'unauthorized' && !reply.hasHeader('www-authenticate')) {
      void reply.header('www-authenticate', 'Bearer realm="muster"');
    }
    if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
    await drainRequestBody(reply.request.raw);
    void reply.status(statusOf[code]).send(errorBody(reply, flaw));
  }

  private describe(error: unknown, request: FastifyRequest): Flaw {
    if (error instanceof AdminError) return error;
    if (error instanceof QueueUnavailable) {
      return { code: 'unavailable', message: 'The queue is temporarily unavailable. Retry later.' };
    }
    if (error instanceof IdempotencyKeyReused) {
      const message = 'The Idempotency-Key was used for a different request. Use a new key.';
      return { code: 'idempotency_key_reused', message, path: 'Idempotency-Key' };
    }
    if (isConnectionLoss(error)) {
      this.logger.warn({ err: error, requestId: request.id }, 'the database is unavailable');
      const message = 'The database is temporarily unavailable. Retry later.';
      return { code: 'unavailable', message };
    }
    if (isTimeout(error)) {
      this.logger.warn({ err: error, requestId: request.id }, 'a statement took too long');
      const message = 'The request took too long. Narrow it, or retry later.';
      return { code: 'unavailable', message };
    }
    if (isBadValue(error)) {
      this.logger.warn(
        { err: error, requestId: request.id },
        'the database rejected a value of a request',
      );
      const message = 'The request contains a value that cannot be stored or compared.';
      return { code: 'invalid_request', message };
    }
    const status =
      error instanceof HttpException
        ? error.getStatus()
        : (error as { statusCode?: unknown } | null)?.statusCode;
    if (status === 404) return { code: 'not_found', message: 'Not found.' };
    if (status === 413) {
      return {
        code: 'bad_request',
        message: 'The request body exceeds the size limit. Split it into several requests.',
      };
    }
    if (typeof status === 'number' && status < 500) {
      return { code: 'bad_request', message: 'Malformed request.' };
    }
    this.logger.error({ err: error, requestId: request.id }, 'request failed');
    return { code: 'internal', message: 'Internal server error.' };
  }
}
