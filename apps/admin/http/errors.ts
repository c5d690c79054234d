import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import {
  drainRequestBody,
  type ErrorCodeOf,
  type ErrorMeanings,
  hasStatus,
  isA,
  type Logger,
  responseTo,
  statusesOf,
} from '#platform';
import { QueueUnavailable } from '#queue';
import { IdempotencyKeyReused, isBadValue, isConnectionLoss, isTimeout } from '#storage';
import { secure } from './security-headers.js';

export type ErrorCode = ErrorCodeOf<'admin'>;

/** The HTTP status of every public error code. */
export const statusOf = statusesOf('admin');
export const errorCodes = Object.keys(statusOf) as ErrorCode[];

/** An error response: a public code, a message, and the path of the faulty field. */
export class AdminError extends Error {
  override readonly name = 'AdminError';

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
  { code, message, path }: { code: ErrorCode; message: string; path?: string | undefined },
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

/** What errors mean to clients. */
const meanings: ErrorMeanings<ErrorCode> = {
  own: [AdminError],
  rules: [
    {
      matches: isA(QueueUnavailable),
      code: 'unavailable',
      message: 'The queue is temporarily unavailable. Retry later.',
    },
    {
      matches: isA(IdempotencyKeyReused),
      code: 'idempotency_key_reused',
      path: 'Idempotency-Key',
    },
    {
      matches: isConnectionLoss,
      code: 'unavailable',
      message: 'The database is temporarily unavailable. Retry later.',
      log: 'the database is unavailable',
    },
    {
      matches: isTimeout,
      code: 'unavailable',
      message: 'The request took too long. Narrow it, or retry later.',
      log: 'a statement took too long',
    },
    {
      matches: isBadValue,
      code: 'invalid_request',
      message: 'The request contains a value that cannot be stored or compared.',
      log: 'the database rejected a value of a request',
    },
    { matches: hasStatus((status) => status === 404), code: 'not_found' },
    {
      matches: hasStatus((status) => status === 413),
      code: 'bad_request',
      message: 'The request body exceeds the size limit. Split it into several requests.',
    },
    { matches: hasStatus((status) => status < 500), code: 'bad_request' },
  ],
};

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
    const { code, status, retryAfterS, log, ...rest } = responseTo(error, meanings);
    if (log) this.logger[log.level]({ err: error, requestId: reply.request.id }, log.line);
    if (code === 'unauthorized' && !reply.hasHeader('www-authenticate')) {
      void reply.header('www-authenticate', 'Bearer realm="muster"');
    }
    if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
    await drainRequestBody(reply.request.raw);
    void reply.status(status).send(errorBody(reply, { code, ...rest }));
  }
}
