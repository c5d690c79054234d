import type { LogLevel } from './logging.js';

type Api = 'ingest' | 'admin';

interface ErrorKind {
  /** The APIs that send it. */
  apis: readonly Api[];
  /** The HTTP status. */
  status: number;
  /** For clients. Absent if it always depends on the request. */
  message?: string;
  /** The default `Retry-After`, in seconds. */
  retryAfterS?: number;
  /** Of the line that logs its cause, if operators should know the cause. All errors are counted. */
  level?: LogLevel;
}

const both = ['ingest', 'admin'] as const;
const ingest = ['ingest'] as const;
const admin = ['admin'] as const;
const RATE_LIMITED = 'Rate limit exceeded: too many events per minute. Retry later.';
const BODY_TOO_LARGE = 'The request body exceeds the size limit.';
const UNSUPPORTED_ENCODING = 'Unsupported Content-Encoding. Use gzip, deflate or br.';
const KEY_REUSED = 'The Idempotency-Key was used for a different request. Use a new key.';

/** All error codes of the HTTP APIs. The tables in docs/api.md and docs/admin.md list the same codes. */
export const errorTable = {
  bad_request: { apis: both, status: 400, message: 'Malformed request.' },
  invalid_request: { apis: admin, status: 400, level: 'warn' },
  invalid_json: { apis: ingest, status: 400 },
  invalid_body: { apis: ingest, status: 400 },
  invalid_encoding: { apis: ingest, status: 400 },
  unknown_report: { apis: ingest, status: 400 },
  unknown_dialect: { apis: ingest, status: 400 },
  unsupported_product: { apis: ingest, status: 400 },
  unauthorized: { apis: both, status: 401 },
  forbidden: { apis: admin, status: 403 },
  not_found: { apis: both, status: 404, message: 'Not found.' },
  method_not_allowed: { apis: both, status: 405 },
  not_ready: { apis: admin, status: 409 },
  conflict: { apis: admin, status: 409 },
  idempotency_key_reused: { apis: admin, status: 409, message: KEY_REUSED },
  body_too_large: { apis: ingest, status: 413, message: BODY_TOO_LARGE },
  inflated_too_large: { apis: ingest, status: 413 },
  too_deep: { apis: ingest, status: 413 },
  too_many_values: { apis: ingest, status: 413 },
  too_many_events: { apis: ingest, status: 413 },
  event_too_large: { apis: ingest, status: 413 },
  unsupported_encoding: { apis: ingest, status: 415, message: UNSUPPORTED_ENCODING },
  rate_limited: { apis: ingest, status: 429, message: RATE_LIMITED },
  too_many_attempts: { apis: admin, status: 429 },
  internal: { apis: both, status: 500, message: 'Internal server error.', level: 'error' },
  unavailable: { apis: both, status: 503, retryAfterS: 5, level: 'warn' },
} as const satisfies Record<string, ErrorKind>;

type Table = typeof errorTable;

/** The error codes of an API. */
export type ErrorCodeOf<A extends Api> = {
  [Code in keyof Table]: A extends Table[Code]['apis'][number] ? Code : never;
}[keyof Table];

type AnyCode = keyof Table;
type CodeWithMessage = {
  [Code in AnyCode]: Table[Code] extends { message: string } ? Code : never;
}[AnyCode];

/** The HTTP status of every error code of an API. */
export function statusesOf<A extends Api>(api: A): Record<ErrorCodeOf<A>, number> {
  const kinds = Object.entries<ErrorKind>(errorTable).filter(([, { apis }]) => apis.includes(api));
  return Object.fromEntries(kinds.map(([code, { status }]) => [code, status])) as Record<
    ErrorCodeOf<A>,
    number
  >;
}

/** An error that carries what clients read. */
export interface PublicError<Code extends AnyCode = AnyCode> {
  readonly code: Code;
  readonly message: string;
  /** The faulty field. */
  readonly path?: string | undefined;
  /** Overrides the default of the code. */
  readonly retryAfterS?: number | undefined;
}

interface Meaning<Code extends AnyCode> {
  code: Code;
  path?: string | undefined;
  message?: string | undefined;
  retryAfterS?: number | undefined;
  /** The line that is logged with the error. */
  log?: string;
}

/** What an error means to the clients of an API. */
export type ErrorRule<Code extends AnyCode> = { matches: (error: unknown) => boolean } & (
  Meaning<Code & CodeWithMessage> | (Meaning<Code> & { message: string })
);

/** What the errors that reach the filter of an API mean. */
export interface ErrorMeanings<Code extends AnyCode> {
  /** Errors that carry their code and message. */
  own: readonly ErrorClass<PublicError<Code>>[];
  /** For other errors: the first rule that matches applies. An error that matches none is internal. */
  rules: readonly ErrorRule<Code>[];
}

type ErrorClass<E> = abstract new (...args: never[]) => E;

/** An error response, and the line to log, if any. */
export interface ErrorResponse<Code extends AnyCode> extends PublicError<Code> {
  status: number;
  log: { level: LogLevel; line: string } | null;
}

/** Looks up which response an error gets. */
export function responseTo<Code extends AnyCode>(
  error: unknown,
  { own, rules }: ErrorMeanings<Code>,
): ErrorResponse<Code | 'internal'> {
  const isOwn = own.some((kind) => error instanceof kind);
  const meaning: Meaning<Code | 'internal'> = isOwn
    ? (error as PublicError<Code>)
    : (rules.find(({ matches }) => matches(error)) ?? INTERNAL);
  const { code, path, log } = meaning;
  const { status, level, ...defaults }: ErrorKind = errorTable[code];
  const { message = defaults.message ?? '', retryAfterS = defaults.retryAfterS } = meaning;
  return {
    ...{ code, status, message, path, retryAfterS },
    log: log !== undefined && level ? { level, line: log } : null,
  };
}

const INTERNAL = { code: 'internal', log: 'request failed' } as const;

/** Matches the errors of a class. */
export function isA(kind: ErrorClass<Error>): (error: unknown) => boolean {
  return (error) => error instanceof kind;
}

/** Matches errors of Nest and Fastify with a status. */
export function hasStatus(is: (status: number) => boolean): (error: unknown) => boolean {
  return (error) => {
    const { getStatus, statusCode } = (error ?? {}) as Partial<FrameworkError>;
    const status = typeof getStatus === 'function' ? getStatus.call(error) : statusCode;
    return typeof status === 'number' && is(status);
  };
}

/** Nest's errors have a method, Fastify's a property. */
interface FrameworkError {
  getStatus(): unknown;
  statusCode: unknown;
}
