import {
  type ErrorCodeOf,
  type ErrorMeanings,
  errorTable,
  hasStatus,
  isA,
  statusesOf,
} from '#platform';
import { type ClosedReason, QueueUnavailable } from '#queue';
import { InvalidRequest } from '#telemetry';

export type ErrorCode = ErrorCodeOf<'ingest'>;

/** The HTTP status of every public error code. */
export const statusOf = statusesOf('ingest');

/** An HTTP-level error, as opposed to invalid telemetry. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError';

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A write key that is not accepted. */
export interface RefusedKey {
  /** SHA-256 of the key, in hex. */
  keyDigest: string;
  /** Set for a key that was revoked or has expired. */
  product?: string | undefined;
}

/** A request without a valid write key. */
export class Unauthorized extends RequestError {
  override readonly name = 'Unauthorized';

  /** @param refused null if the request has no key */
  constructor(
    message: string,
    readonly refused: RefusedKey | null,
  ) {
    super('unauthorized', message);
  }
}

/** A key, an installation or an address has exceeded its limit for this minute. */
export class RateLimited extends RequestError {
  override readonly name = 'RateLimited';
  /** In whole seconds. */
  readonly retryAfterS: number;

  constructor(waitMs: number, message: string = errorTable.rate_limited.message) {
    super('rate_limited', message);
    this.retryAfterS = Math.max(1, Math.ceil(waitMs / 1000));
  }
}

export const MALFORMED = 'Malformed HTTP request.';
const UNAVAILABLE = 'Ingestion is temporarily unavailable. Retry later.';

/** Problems that take longer to mend than a lost connection, and how long clients should wait, in seconds. */
const LASTING: ReadonlySet<ClosedReason> = new Set<ClosedReason>([
  'memory',
  'not_durable',
  'not_saved',
  'wrong_node',
  'not_allowed',
]);
const LASTING_RETRY_AFTER_S = 30;

const isLasting = (error: unknown) =>
  error instanceof QueueUnavailable && LASTING.has(error.reason);

/** What errors mean to clients. */
export const meanings: ErrorMeanings<ErrorCode> = {
  own: [RequestError, InvalidRequest],
  rules: [
    {
      matches: isLasting,
      code: 'unavailable',
      message: UNAVAILABLE,
      retryAfterS: LASTING_RETRY_AFTER_S,
    },
    { matches: isA(QueueUnavailable), code: 'unavailable', message: UNAVAILABLE },
    { matches: hasStatus((status) => status === 404), code: 'not_found' },
    { matches: hasStatus((status) => status === 413), code: 'body_too_large' },
    { matches: hasStatus((status) => status < 500), code: 'bad_request', message: MALFORMED },
  ],
};
