import { createHmac } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Logger } from '#platform';
import { type IngestCounts, QueueUnavailable } from '#queue';
import { Agents } from './agent.js';
import { senderOf } from './authenticate.js';
import { type ErrorCode, Unauthorized } from './errors.js';

/** Connections that end before there is a request. */
export type ConnectionCode = 'tls_handshake' | 'request_timeout' | 'malformed_http';

interface Refused {
  requests: number;
  events: number;
}

/** The refusals of a minute with the same code and product. */
interface LoggedRefusals extends Refused {
  code: string;
  product?: string;
  /** The `X-Request-Id` of one of them, by which a client's log can be searched. */
  requestId?: string;
}

const WHOLE: Refused = { requests: 1, events: 0 };
const LOG_INTERVAL_MS = 60_000;
const HINT_DIGITS = 8;

export interface RefusalsOptions {
  counts: IngestCounts;
  logger: Logger;
  /** The key with which unknown write keys are hashed. */
  identityKey: string;
  /** The names of products, which agents may call themselves by. */
  products: Iterable<string>;
}

/** Counts what ingest refuses, by kind, and logs it once a minute. Nothing here is on the way of an accepted event. */
export class Refusals {
  readonly #counts: IngestCounts;
  readonly #logger: Logger;
  readonly #identityKey: string;
  readonly #agents: Agents;
  readonly #timer: NodeJS.Timeout;
  /** Of this minute, by code and product. */
  #minute = new Map<string, LoggedRefusals>();

  constructor({ counts, logger, identityKey, products }: RefusalsOptions) {
    this.#counts = counts;
    this.#logger = logger;
    this.#identityKey = identityKey;
    this.#agents = new Agents(products);
    this.#timer = setInterval(() => this.#log(), LOG_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Counts a request that is refused as a whole, for the reason that the error gives. */
  ofRequest(request: FastifyRequest, code: ErrorCode, error?: unknown): void {
    this.#count(request, code, WHOLE, error);
  }

  /** Counts events that are refused one by one. `isWhole`: none of the request's was accepted. */
  ofEvents(request: FastifyRequest, refused: ReadonlyMap<string, number>, isWhole: boolean): void {
    let requests = isWhole ? 1 : 0;
    for (const [code, events] of refused) {
      this.#count(request, code, { requests, events });
      requests = 0; // under the code that most of its events have, or the first
    }
  }

  /** Counts a connection that ended without a request. */
  ofConnection(code: ConnectionCode, requestId?: string): void {
    const kind = { product: '', code, route: 'none', dialect: 'none' };
    this.#add({ ...kind, keyHint: 'none', agent: 'none' }, WHOLE, requestId);
  }

  /** Logs what is left of the last minute. */
  stop(): void {
    clearInterval(this.#timer);
    this.#log();
  }

  #count(request: FastifyRequest, code: string, refused: Refused, error?: unknown): void {
    const url = request.is404 ? undefined : request.routeOptions.url;
    const route = url === undefined || url === '*' ? 'none' : url;
    const { product, keyHint } = this.#keyOf(request, error);
    const agent = this.#agents.nameOf(request.headers['user-agent']);
    const kind = { product, code, route, dialect: dialectOf(route), keyHint, agent };
    this.#add(kind, refused, request.id);
  }

  #add(
    kind: Parameters<IngestCounts['refuse']>[0],
    { requests, events }: Refused,
    requestId?: string,
  ): void {
    this.#counts.refuse(kind, { requests, events });
    const { code, product } = kind;
    const name = `${code} ${product}`;
    const counted = this.#minute.get(name) ?? {
      ...{ code, ...(product && { product }), requests: 0, events: 0 },
      ...(requestId !== undefined && { requestId }),
    };
    this.#minute.set(name, counted);
    counted.requests += requests;
    counted.events += events;
  }

  #keyOf(request: FastifyRequest, error: unknown): { product: string; keyHint: string } {
    const sender = senderOf(request);
    if (sender) {
      const { product, keyDigest } = sender;
      return { product, keyHint: `known-${keyDigest.slice(0, HINT_DIGITS)}` };
    }
    if (error instanceof Unauthorized && error.refused) {
      const { product, keyDigest } = error.refused;
      return product === undefined
        ? { product: '', keyHint: `unknown-${this.#digestOf(keyDigest)}` }
        : { product, keyHint: `ended-${keyDigest.slice(0, HINT_DIGITS)}` };
    }
    const isUnread = error instanceof QueueUnavailable && error.reason === 'policy_unread';
    return { product: '', keyHint: isUnread ? 'unread' : 'none' };
  }

  /** Keyed, because an unknown key may belong to another service, or be so short that its plain digest is guessable. */
  #digestOf(keyDigest: string): string {
    const hmac = createHmac('sha256', this.#identityKey).update(`refused key\0${keyDigest}`);
    return hmac.digest('hex').slice(0, HINT_DIGITS);
  }

  #log(): void {
    for (const refused of this.#minute.values()) {
      this.#logger.warn(refused, 'requests or events rejected in the last minute');
    }
    this.#minute = new Map();
  }
}

/** Dialects by route prefix; the first match counts. */
const DIALECTS: readonly [prefix: string, dialect: string][] = [
  ['none', 'none'],
  ['/health', 'none'],
  ['/v1/events', 'native'],
  ['/v1/reports', 'report'],
  ['/v1/preview', 'preview'],
  ['/v1/', 'segment'],
  ['/api/telemetry/', 'octopus'],
  ['/', 'posthog'],
];

function dialectOf(route: string): string {
  return DIALECTS.find(([prefix]) => route.startsWith(prefix))?.[1] ?? 'none';
}
