import type { FastifyInstance, FastifyRequest } from 'fastify';
import { QueueUnavailable } from '#queue';
import { type RequestError, Unauthorized } from './errors.js';
import { keyInHeader, type Sender, type WriteKeys } from './write-keys.js';

/** A route's configuration. */
export interface RouteConfiguration {
  /** Finds the write key in a parsed body. Set if the key may be in the body instead of the header. */
  keyInBody?: (body: unknown) => string | undefined;
  /** The maximum size of a body that contains the key, after decompression. Default: 500 KB. */
  maxAnonymousBytes?: number;
  /**
   * Whether the body's first bytes, rather than the header, decide if it is compressed; and whether it may be a
   * form.
   */
  sniffsEncoding?: boolean;
  /** Whether the body may have one event per line (`application/x-ndjson`). */
  takesLines?: boolean;
  /** Whether an empty body is read as an empty text, instead of being refused as invalid JSON. */
  mayBeEmpty?: boolean;
  /** Whether the body is ignored: neither decompressed nor parsed. Then no key is needed. */
  ignoresBody?: boolean;
}

interface AuthenticatedRequest extends FastifyRequest {
  /** The owner of the key, once the key has been read. */
  sender?: Sender | undefined;
  configuration?: RouteConfiguration | undefined;
}

/** The configuration of a request's route, looked up once: Fastify makes `routeOptions` again for each use. */
export function configurationOf(request: FastifyRequest): RouteConfiguration {
  const known = request as AuthenticatedRequest;
  return (known.configuration ??= request.routeOptions.config as RouteConfiguration);
}

/**
 * Rejects a request before its body is read if the key in header or query is invalid, or if it has no key and the
 * key cannot be in the body.
 */
export function authenticateByHeader(fastify: FastifyInstance, keys: WriteKeys): void {
  fastify.decorateRequest('sender', undefined);
  fastify.decorateRequest('configuration', undefined);
  // After the onRequest hooks, so that a browser can read the error (CORS), and before the body. A callback,
  // because a promise would cost each request a tenth of its time.
  fastify.addHook('preParsing', (request: AuthenticatedRequest, _reply, payload, done) => {
    try {
      authenticate(request, keys);
      done(null, payload);
    } catch (error) {
      done(error as RequestError, payload);
    }
  });
}

function authenticate(request: AuthenticatedRequest, keys: WriteKeys): void {
  if (request.method !== 'POST' || request.is404) return;
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    request.sender = requireSender(keys, keyInHeader(authorization));
    return;
  }
  const key = keyInQuery(request.query);
  const { keyInBody, ignoresBody = false } = configurationOf(request);
  const isNeeded = keyInBody === undefined && !ignoresBody;
  if (key !== undefined || isNeeded) request.sender = requireSender(keys, key ?? null);
}

/** Browser beacons cannot set headers; RudderStack's clients put the key into the query. */
function keyInQuery(query: unknown): string | undefined {
  const { writeKey } = (query ?? {}) as Record<string, unknown>;
  return typeof writeKey === 'string' ? writeKey : undefined;
}

/** The owner of the request's key, once the key has been read. */
export function senderOf(request: FastifyRequest): Sender | undefined {
  return (request as AuthenticatedRequest).sender;
}

/**
 * The owner of the request's key, which is in its header or its body.
 * @throws RequestError `unauthorized`
 * @throws QueueUnavailable if the key cannot be checked at the moment
 */
export function authenticateByBody(
  request: FastifyRequest,
  body: unknown,
  keys: WriteKeys,
): Sender {
  const key = configurationOf(request).keyInBody?.(body) ?? null;
  return ((request as AuthenticatedRequest).sender ??= requireSender(keys, key));
}

/**
 * Looks up the owner of a key.
 * @throws RequestError `unauthorized`
 * @throws QueueUnavailable if the key cannot be checked at the moment
 */
function requireSender(keys: WriteKeys, key: string | null): Sender {
  if (key === null || key === '') {
    const message =
      'Missing write key. Send it as a bearer token, or as the user name of basic authentication.';
    throw new Unauthorized(message, null);
  }
  const sender = keys.senderOf(key);
  if (sender !== null) return sender;
  throw refusalOf(keys, key, 'Invalid write key.');
}

/** The error for a key that is not accepted: invalid, or impossible to check at the moment. */
export function refusalOf(keys: WriteKeys, key: string, message: string): Error {
  return keys.mayBeUnread(key)
    ? new QueueUnavailable('policy_unread', 'write keys could not be read from Redis')
    : new Unauthorized(message, keys.refusedKeyOf(key));
}
