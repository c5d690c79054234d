import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { IngestSettings } from '#platform';
import type { EnvelopeWriter, StoreClock } from '#queue';
import {
  depthCheck,
  keyIdOf,
  parseJson,
  type Products,
  type ReceivedEnvelope,
  type RequestContext,
} from '#telemetry';
import { authenticateByBody, configurationOf } from './authenticate.js';
import type { EdgePolicy } from './edge-policy.js';
import { type Limits, NONE_OVER, type Over } from './limits.js';
import type { Sender, WriteKeys } from './write-keys.js';

export interface IntakeParts {
  keys: WriteKeys;
  policy: EdgePolicy;
  limits: Limits;
  writer: EnvelopeWriter;
  clock: StoreClock;
  products: Products;
  settings: Pick<
    IngestSettings,
    'maxEventsPerRequest' | 'maxEventBytes' | 'maxJsonDepth' | 'identityKey'
  >;
}

/** A request whose sender is known, ready for its dialect. */
export interface Opened {
  readonly sender: Sender;
  /** The body, decompressed and in UTF-8. */
  readonly bytes: Buffer;
  /** The parsed body; undefined if it has lines. */
  readonly body: unknown;
  /** Parses one line of the body. Undefined unless the body has one event per line. */
  readonly parseLine: ((line: Buffer) => unknown) | undefined;
  readonly context: RequestContext;
}

const NOTHING = Buffer.alloc(0);

/** The way into the queue that all dialects share. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #parse: (bytes: Buffer) => unknown;

  constructor(parts: IntakeParts) {
    const { maxJsonDepth } = parts.settings;
    this.#parts = parts;
    this.#parse = (bytes) => parseJson(bytes, maxJsonDepth);
  }

  /**
   * Parses the body, and authenticates the sender if the key is in the body.
   * @throws InvalidRequest `invalid_json`, `too_deep`
   * @throws RequestError `unauthorized`
   * @throws QueueUnavailable if the key cannot be checked at the moment
   */
  open(request: FastifyRequest): Opened {
    const { takesLines = false, mayBeEmpty = false } = configurationOf(request);
    const bytes = Buffer.isBuffer(request.body) ? request.body : NOTHING;
    const parseLine = takesLines && isNdjson(request) ? this.#parse : undefined;
    const isEmpty = mayBeEmpty && bytes.length === 0;
    const body = parseLine ? undefined : isEmpty ? '' : this.#parse(bytes);
    const sender = authenticateByBody(request, body, this.#parts.keys);
    return { sender, bytes, body, parseLine, context: this.#contextOf(sender, bytes) };
  }

  /**
   * Resolves when the envelopes are safe: all of them, or none.
   * @throws QueueUnavailable
   * @throws RateLimited if one of them exceeds a limit
   */
  async accept(opened: Opened, envelopes: readonly ReceivedEnvelope[]): Promise<void> {
    await this.#enqueue(opened, envelopes, false);
  }

  /**
   * Resolves when the envelopes within the limits are safe.
   * @returns the others
   * @throws QueueUnavailable
   */
  async acceptEach(opened: Opened, envelopes: readonly ReceivedEnvelope[]): Promise<Over> {
    return this.#enqueue(opened, envelopes, true);
  }

  async #enqueue(
    { sender, bytes }: Opened,
    envelopes: readonly ReceivedEnvelope[],
    isDivisible: boolean,
  ): Promise<Over> {
    const { limits, policy, writer } = this.#parts;
    const since = performance.now();
    const marked = this.#markBlocked(envelopes);
    // Checks the queue first, so that a rejected request does not use up a limit. If the response of Redis is lost,
    // the events may count twice.
    const over = policy.limitsOf(sender.product)
      ? await writer.hold(() => limits.take(sender, marked, isDivisible), since)
      : NONE_OVER;
    if (over.limited && !isDivisible) throw over.limited;
    const taken = over.limited ? marked.filter((it) => !over.envelopes.has(it)) : marked;
    if (taken.length > 0) await writer.accept(taken, bytes.length, since);
    return over;
  }

  /** Replaces blocked events by markers. Their senders still get a success response. */
  #markBlocked(envelopes: readonly ReceivedEnvelope[]): readonly ReceivedEnvelope[] {
    const { decisions } = this.#parts.policy;
    if (!envelopes.some((envelope) => decisions.isBlocked(envelope))) return envelopes;
    return envelopes.map((envelope) => {
      const { product, receivedAt } = envelope;
      return decisions.isBlocked(envelope) ? { product, receivedAt, blocked: true } : envelope;
    });
  }

  #contextOf({ product, keyDigest }: Sender, bytes: Buffer): RequestContext {
    const { clock, products, settings } = this.#parts;
    const { maxEventsPerRequest, maxEventBytes, maxJsonDepth, identityKey } = settings;
    // Most requests are small as a whole, and so is each of their events.
    const isSmall = bytes.length <= maxEventBytes;
    return {
      receivedAt: clock.now(),
      product,
      // Allows removing what a leaked key sent.
      key: keyIdOf(keyDigest),
      identityKey,
      browserDistinctId: products.get(product)?.browserDistinctId,
      maxEvents: maxEventsPerRequest,
      isTooLarge: (event) => !isSmall && sizeOf(event) > maxEventBytes,
      isTooDeep: depthCheck(bytes, maxJsonDepth),
      newId: randomUUID,
    };
  }
}

/** Whether the body contains one event per line. */
function isNdjson(request: FastifyRequest): boolean {
  return /^application\/(x-)?(ndjson|jsonl)\b/i.test(request.headers['content-type'] ?? '');
}

function sizeOf(event: unknown): number {
  return Buffer.byteLength(JSON.stringify(event) ?? '');
}
