import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { IngestSettings } from '#platform';
import { EnvelopeWriter } from '#queue';
import {
  parseJson,
  type EventRejection,
  type ReceivedEnvelope,
  type RequestContext,
} from '#telemetry';
import { productOf, requireProduct } from './authenticate.js';
import { WriteKeys } from './write-keys.js';

export type IntakeSettings = Pick<
  IngestSettings,
  'maxEventsPerRequest' | 'maxEventBytes' | 'maxJsonDepth' | 'identityKey'
>;

/** What every dialect does alike: whose request is it, what does it hold, and off to the queue. */
@Injectable()
export class Intake {
  constructor(
    private readonly keys: WriteKeys,
    private readonly writer: EnvelopeWriter,
    private readonly settings: IntakeSettings,
  ) {}

  /**
   * The product whose key the request holds, in its header or else in its body.
   * @throws RequestError `unauthorized`
   */
  productOf(request: FastifyRequest, keyInBody?: string): string {
    return productOf(request) ?? requireProduct(this.keys, keyInBody ?? null);
  }

  bytes(request: FastifyRequest): Buffer {
    return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  }

  /** @throws InvalidRequest `invalid_json`, `too_deep` */
  parse(bytes: Buffer): unknown {
    return parseJson(bytes, this.settings.maxJsonDepth);
  }

  contextOf(product: string, bytes: Buffer): RequestContext {
    const { maxEventsPerRequest, maxEventBytes, identityKey } = this.settings;
    // Most requests are small as a whole, and so is each of their events.
    const isSmall = bytes.length <= maxEventBytes;
    return {
      receivedAt: Date.now(),
      product,
      identityKey,
      maxEvents: maxEventsPerRequest,
      isTooLarge: (event) => !isSmall && sizeOf(event) > maxEventBytes,
      newId: randomUUID,
    };
  }

  /** Resolves when the envelopes are safe. @throws QueueUnavailable */
  async accept(envelopes: readonly ReceivedEnvelope[], bytes: Buffer): Promise<void> {
    await this.writer.accept(envelopes, bytes.length);
  }

  /** Queues what was accepted of a request and says what became of each of its events. */
  async acceptOutcomes(outcomes: readonly Outcome[], bytes: Buffer): Promise<Answer> {
    const accepted = outcomes.flatMap((outcome) =>
      'accepted' in outcome ? [outcome.accepted] : [],
    );
    if (accepted.length > 0) await this.accept(accepted, bytes);
    return answerTo(outcomes, accepted.length);
  }
}

/** Whether the body holds one event a line. */
export function isNdjson(request: FastifyRequest): boolean {
  return /^application\/(x-)?(ndjson|jsonl)\b/i.test(request.headers['content-type'] ?? '');
}

type Outcome = { accepted: ReceivedEnvelope } | { rejected: EventRejection };

interface Answer {
  status: 202 | 400 | 413;
  body: object;
}

function answerTo(outcomes: readonly Outcome[], accepted: number): Answer {
  const results = outcomes.map((outcome) =>
    'accepted' in outcome
      ? { status: 'accepted' as const }
      : { status: 'rejected' as const, ...outcome.rejected },
  );
  const rejected = results.length - accepted;
  if (accepted > 0) return { status: 202, body: { success: true, accepted, rejected, results } };
  const first = results.find((result) => result.status === 'rejected');
  const areAllTooLarge = results.every((r) => 'code' in r && r.code === 'event_too_large');
  const message = first?.message ?? '';
  return {
    status: areAllTooLarge ? 413 : 400,
    body: {
      success: false,
      code: first?.code,
      message,
      detail: message,
      accepted,
      rejected,
      results,
    },
  };
}

function sizeOf(event: unknown): number {
  return Buffer.byteLength(JSON.stringify(event) ?? '');
}
