import type { ClosedReason } from '#queue';
import type { InvalidRequestCode } from '#telemetry';

/** An HTTP-level error, as opposed to invalid telemetry. */
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
  /** Set for a key that was revoked or has expired. */
  product?: string | undefined;
}

/** A request without a valid write key. */
export class Unauthorized extends RequestError {
  /** @param refused null if the request has no key */
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
export const RETRY_AFTER_S: Record<ClosedReason, number> = {
  unreachable: 5,
  overloaded: 5,
  closing: 5,
  read_only: 5,
  no_replicas: 5,
  cluster_down: 5,
  wrong_node: 30,
  not_allowed: 30,
  loading: 5,
  policy_unread: 5,
  memory: 30,
  not_durable: 30,
  not_saved: 30,
  refused: 5,
};
