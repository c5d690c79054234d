import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IngestSettings } from '#platform';
import { EnvelopeWriter, StoreClock } from '#queue';
import {
  depthCheck,
  keyIdOf,
  parseJson,
  type Products,
  type ReceivedEnvelope,
  type RequestContext,
} from '#telemetry';
import { answerOutcomes, type Outcome } from './answer.js';
import { rememberSender, requireSender, senderOf } from './authenticate.js';
import { EdgePolicy } from './edge-policy.js';
import { Limits, NONE_OVER, type Over } from './limits.js';
import { Refusals } from './refusals.js';
import { type Sender, WriteKeys } from './write-keys.js';

export type IntakeSettings = Pick<
  IngestSettings,
  'maxEventsPerRequest' | 'maxEventBytes' | 'maxJsonDepth' | 'identityKey'
>;

/** The steps that all dialects share: authenticate, parse, enqueue. */
@Injectable()
export class Intake {
  constructor(
    private readonly keys: WriteKeys,
    private readonly policy: EdgePolicy,
    private readonly limits: Limits,
    private readonly writer: EnvelopeWriter,
    private readonly clock: StoreClock,
    readonly refusals: Refusals,
    private readonly products: Products,
    private readonly settings: IntakeSettings,
  ) {}

  /**
   * The owner of the request's key, from its header or its body.
   * @throws RequestError `unauthorized`
   */
  senderOf(request: FastifyRequest, keyInBody?: string): Sender {
    const known = senderOf(request);
    return known ?? rememberSender(request, requireSender(this.keys, keyInBody ?? null));
  }

  bytes(request: FastifyRequest): Buffer {
    return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  }

  /** @throws InvalidRequest `invalid_json`, `too_deep` */
  parse(bytes: Buffer): unknown {
    return parseJson(bytes, this.settings.maxJsonDepth);
  }

  contextOf({ product, keyDigest }: Sender, bytes: Buffer): RequestContext {
    const { maxEventsPerRequest, maxEventBytes, identityKey } = this.settings;
    // Most requests are small as a whole, and so is each of their events.
    const isSmall = bytes.length <= maxEventBytes;
    return {
      receivedAt: this.clock.now(),
      product,
      // Allows removing what a leaked key sent.
      key: keyIdOf(keyDigest),
      identityKey,
      browserDistinctId: this.products.get(product)?.browserDistinctId,
      maxEvents: maxEventsPerRequest,
      isTooLarge: (event) => !isSmall && sizeOf(event) > maxEventBytes,
      isTooDeep: depthCheck(bytes, this.settings.maxJsonDepth),
      newId: randomUUID,
    };
  }

  /**
   * Resolves when the envelopes are safe: all of them, or none.
   * @throws QueueUnavailable
   * @throws RateLimited if one of them exceeds a limit
   */
  async accept(
    sender: Sender,
    envelopes: readonly ReceivedEnvelope[],
    bytes: Buffer,
  ): Promise<void> {
    const since = performance.now();
    const marked = this.markBlocked(envelopes);
    if (this.policy.limitsOf(sender.product)) {
      const { limited } = await this.takeFromLimits(since, sender, marked, false);
      if (limited) throw limited;
    }
    await this.writer.accept(marked, bytes.length, since);
  }

  /**
   * Enqueues only the envelopes within the limits.
   * @returns the others
   * @throws QueueUnavailable
   */
  async acceptSome(
    sender: Sender,
    envelopes: readonly ReceivedEnvelope[],
    bytes: Buffer,
  ): Promise<Over> {
    const since = performance.now();
    const marked = this.markBlocked(envelopes);
    const over = this.policy.limitsOf(sender.product)
      ? await this.takeFromLimits(since, sender, marked, true)
      : NONE_OVER;
    const taken = marked.filter((envelope) => !over.envelopes.has(envelope));
    if (taken.length > 0) await this.writer.accept(taken, bytes.length, since);
    return over;
  }

  /**
   * Enqueues the accepted events of a request and the traces of those that are too large, and sends the result of
   * each event.
   */
  async answerOutcomes(
    reply: FastifyReply,
    sender: Sender,
    outcomes: readonly Outcome[],
    bytes: Buffer,
  ): Promise<void> {
    const queued = outcomes.flatMap((it) => ('accepted' in it ? it.accepted : (it.trace ?? [])));
    const over = queued.length > 0 ? await this.acceptSome(sender, queued, bytes) : NONE_OVER;
    const { refused, isWhole } = answerOutcomes(reply, outcomes, over);
    if (refused.size > 0) this.refusals.ofEvents(reply.request, refused, isWhole);
  }

  /**
   * Checks the queue first, so that a rejected request does not use up a limit. If the response of Redis is lost,
   * the events may count twice.
   */
  private takeFromLimits(since: number, ...of: Parameters<Limits['take']>) {
    return this.writer.hold(() => this.limits.take(...of), since);
  }

  /** Replaces blocked events by markers. Their senders still get a success response. */
  private markBlocked(envelopes: readonly ReceivedEnvelope[]): readonly ReceivedEnvelope[] {
    const { decisions } = this.policy;
    if (!envelopes.some((envelope) => decisions.isBlocked(envelope))) return envelopes;
    return envelopes.map((envelope) => {
      const { product, receivedAt } = envelope;
      return decisions.isBlocked(envelope) ? { product, receivedAt, blocked: true } : envelope;
    });
  }
}

/** Whether the body contains one event per line. */
export function isNdjson(request: FastifyRequest): boolean {
  return /^application\/(x-)?(ndjson|jsonl)\b/i.test(request.headers['content-type'] ?? '');
}

function sizeOf(event: unknown): number {
  return Buffer.byteLength(JSON.stringify(event) ?? '');
}
