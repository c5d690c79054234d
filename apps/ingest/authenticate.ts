import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from './errors.js';
import { keyInHeader, type WriteKeys } from './write-keys.js';

/** Set in the configuration of a route whose clients may put the write key into the body. */
export interface RouteConfiguration {
  keyInBody?: boolean;
}

const products = new WeakMap<FastifyRequest, string>();

/**
 * Refuses a request with a wrong key before its body is read, and one without a key unless the key
 * may be in the body.
 */
export function authenticateByHeader(fastify: FastifyInstance, keys: WriteKeys): void {
  // After the onRequest hooks, so that a browser can read the refusal (CORS); before the body.
  fastify.addHook('preParsing', async (request: FastifyRequest) => {
    if (request.method !== 'POST' || request.is404) return;
    const { authorization } = request.headers;
    const { keyInBody } = request.routeOptions.config as RouteConfiguration;
    if (authorization === undefined && keyInBody) return;
    products.set(request, requireProduct(keys, keyInHeader(authorization)));
  });
}

/** The product whose key the request's header holds; undefined where it has none. */
export function productOf(request: FastifyRequest): string | undefined {
  return products.get(request);
}

/** The product of a key. @throws RequestError `unauthorized` */
export function requireProduct(keys: WriteKeys, key: string | null): string {
  if (key === null || key === '') {
    const message = 'A write key is needed, as Bearer token or as the user of Basic authorization.';
    throw new RequestError('unauthorized', message);
  }
  const product = keys.productOf(key);
  if (product === null) throw new RequestError('unauthorized', 'The write key is not known.');
  return product;
}
