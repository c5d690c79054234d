import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, HttpException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from '#platform';

export type ErrorCode =
  | 'bad_request'
  | 'invalid_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'not_ready'
  | 'conflict'
  | 'too_many_attempts'
  | 'internal';

const STATUS: Record<ErrorCode, number> = {
  bad_request: 400,
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  not_ready: 409,
  conflict: 409,
  too_many_attempts: 429,
  internal: 500,
};

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

/** Turns whatever was thrown into the one error body, and logs what is our own fault. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { code, message, path } = this.describe(error);
    if (code === 'unauthorized') void reply.header('www-authenticate', 'Bearer realm="muster"');
    if (code === 'too_many_attempts') void reply.header('retry-after', 60);
    void reply
      .status(STATUS[code])
      .send({ success: false, code, message, ...(path !== undefined && { path }) });
  }

  private describe(error: unknown): {
    code: ErrorCode;
    message: string;
    path?: string | undefined;
  } {
    if (error instanceof AdminError) return error;
    const status =
      error instanceof HttpException
        ? error.getStatus()
        : (error as { statusCode?: unknown } | null)?.statusCode;
    if (status === 404) return { code: 'not_found', message: 'There is nothing at this address.' };
    if (typeof status === 'number' && status < 500) {
      return { code: 'bad_request', message: 'The request is not well-formed.' };
    }
    this.logger.error({ err: error }, 'a request failed');
    return { code: 'internal', message: 'The request failed for a reason of ours.' };
  }
}
