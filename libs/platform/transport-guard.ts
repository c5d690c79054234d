import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AddressList } from './address-list.js';
import type { Drain } from './drain.js';
import { peerAddress } from './proxy-protocol.js';
import { awaitsContinue, hasBody, malformationOf } from './well-formed.js';

const REQUEST_ID = 'x-request-id';

export interface Transport {
  protocol: 'https' | 'http';
  trustedProxies: AddressList;
  drain: Drain;
  /** Sends the error body of this API. */
  refuse(reply: FastifyReply, status: number, message: string): void;
}

/** Fastify options that the guard relies on. */
export function transportOptions({ trustedProxies }: { trustedProxies: AddressList }) {
  return {
    trustProxy: (address: string) => trustedProxies.has(address),
    genReqId: requestIdOf,
  };
}

/**
 * Checks every request first: rejects malformed HTTP, and plain HTTP that did not reach a trusted proxy over TLS.
 * Adds `X-Request-Id` to every response, and closes connections after their response while the process drains.
 */
export function guardTransport(fastify: FastifyInstance, transport: Transport): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header(REQUEST_ID, request.id);
    // If a client is rejected while it waits for 100 Continue, it is unknown whether it sends the body.
    const endsHere = transport.drain.isDraining || awaitsContinue(request.raw);
    if (endsHere) void reply.header('connection', 'close');
    const { status, message } =
      malformationOf(request.raw) ?? insecurityOf(request, transport) ?? {};
    if (status === undefined || message === undefined) {
      done();
      return;
    }
    void reply.header('connection', 'close');
    transport.refuse(reply, status, message);
  });
}

/**
 * Sends 100 Continue to clients that wait for it before they send the body. Register it after all hooks that may
 * reject a request without its body.
 */
export function continueBeforeBodies(fastify: FastifyInstance, drain: Drain): void {
  fastify.addHook('preParsing', ({ raw }, reply, payload, done) => {
    if (awaitsContinue(raw)) {
      reply.raw.writeContinue();
      delete raw.headers.expect;
      if (!drain.isDraining) void reply.removeHeader('connection');
    }
    done(null, payload);
  });
}

/**
 * Drops a DELETE that is followed by an unannounced body, which cannot be parsed as the next request. By then Node has
 * responded with an error and closed the connection.
 */
export function dropUnannouncedBodies(fastify: FastifyInstance): void {
  fastify.addHook('preHandler', ({ raw }, reply, done) => {
    if (raw.method !== 'DELETE' || hasBody(raw)) {
      done();
      return;
    }
    // Runs after Node has parsed the rest of the received bytes.
    setImmediate(() => {
      if (raw.socket.destroyed) reply.hijack();
      else done();
    });
  });
}

/** Health probes carry nothing that needs protection, and may come from anywhere. */
function insecurityOf(
  request: FastifyRequest,
  { protocol, trustedProxies }: Transport,
): { status: number; message: string } | undefined {
  if (protocol === 'https' || request.url.startsWith('/health/')) return undefined;
  if (!trustedProxies.has(peerAddress(request.raw.socket))) {
    return { status: 403, message: 'Plain HTTP is only accepted from trusted proxies. Use HTTPS.' };
  }
  const forwarded = request.headers['x-forwarded-proto'];
  const client = String(forwarded ?? 'https')
    .split(',')
    .at(-1)
    ?.trim()
    .toLowerCase();
  return client === 'https' ? undefined : { status: 403, message: 'Use HTTPS.' };
}

/** The client's request id if it is short and has only plain characters; otherwise a new one. */
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers[REQUEST_ID];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}
