import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type Logger, restOfBody } from '#platform';
import { QueueUnavailable } from '#queue';

/** The HTTP status of every public error code. */
export const statusOf = {
  bad_request: 400,
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  not_ready: 409,
  conflict: 409,
  too_many_attempts: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof statusOf;
export const errorCodes = Object.keys(statusOf) as ErrorCode[];

/** When to come back, in seconds. */
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = { too_many_attempts: 60, unavailable: 5 };

/** A refusal: a public code, a sentence, and where in the request it lies. */
export class AdminError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly path?: string,
  ) {
    super(message);
  }
}

/** Answers a request that no route has seen. */
export function refuseMalformed(reply: FastifyReply, status: number, message: string): void {
  void reply.status(status).send({ success: false, code: 'bad_request', message });
}

/** Turns whatever was thrown into the one error body, and logs what is our own fault. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    void this.answer(error, host.switchToHttp().getResponse<FastifyReply>());
  }

  /** @returns once it is answered */
  async answer(error: unknown, reply: FastifyReply): Promise<void> {
    const { code, message, path } = this.describe(error);
    if (code === 'unauthorized' && !reply.hasHeader('www-authenticate')) {
      void reply.header('www-authenticate', 'Bearer realm="muster"');
    }
    const retryAfter = RETRY_AFTER_S[code];
    if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
    await restOfBody(reply.request.raw);
    void reply
      .status(statusOf[code])
      .send({ success: false, code, message, ...(path !== undefined && { path }) });
  }

  private describe(error: unknown): {
    code: ErrorCode;
    message: string;
    path?: string | undefined;
  } {
    if (error instanceof AdminError) return error;
    if (error instanceof QueueUnavailable) {
      return {
        code: 'unavailable',
        message: 'The queue cannot be asked just now; try again later.',
      };
    }
    const status =
      error instanceof HttpException
        ? error.getStatus()
        : (error as { statusCode?: unknown } | null)?.statusCode;
    if (status === 404) return { code: 'not_found', message: 'There is nothing at this address.' };
    if (status === 413) {
      return {
        code: 'bad_request',
        message: 'The request body is above the size limit; send it in parts.',
      };
    }
    if (typeof status === 'number' && status < 500) {
      return { code: 'bad_request', message: 'The request is not well-formed.' };
    }
    this.logger.error({ err: error }, 'a request failed');
    return { code: 'internal', message: 'The request failed for a reason of ours.' };
  }
}
