import type { FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Registry } from 'prom-client';
import { measureCertificate, measureClock, type HttpServers } from '#platform';
import type { StoreClock } from '#queue';
import { errorCodeOf, type ErrorCode } from './errors.js';

/** Why a connection was refused before it carried a request. */
export type ConnectionRefusal = 'malformed_http' | 'request_timeout' | 'tls_handshake';

/** The label of a request that matches no route, or of a connection without a request. */
const NO_ROUTE = 'none';

/**
 * What one admin process counts, for Prometheus. Labels are from closed sets: methods, patterns of routes, statuses
 * and error codes.
 */
export class AdminMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'muster_admin_requests_total',
    help: 'Requests that the admin API has responded to.',
    labelNames: ['method', 'route', 'status'],
    registers: [this.registry],
  });
  readonly #refused = new Counter({
    name: 'muster_admin_refused_total',
    help: 'Requests and connections that the admin API has refused, by error code.',
    labelNames: ['code', 'route'],
    registers: [this.registry],
  });

  constructor({ clock, servers }: { clock: StoreClock; servers: HttpServers }) {
    measureClock(this.registry, clock);
    measureCertificate(this.registry, servers);
  }

  count(request: FastifyRequest, reply: FastifyReply): void {
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? NO_ROUTE;
    this.#requests.inc({ method, route, status: reply.statusCode });
    const code = errorCodeOf(reply);
    if (code !== undefined) this.#countRefusal(code, route);
  }

  countConnection(reason: ConnectionRefusal): void {
    this.#countRefusal(reason, NO_ROUTE);
  }

  #countRefusal(code: ErrorCode | ConnectionRefusal, route: string): void {
    this.#refused.inc({ code, route });
  }
}
