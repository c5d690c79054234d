import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  findPosthogKey,
  readPosthog,
  readPosthogV1,
  type PosthogResult,
  type ReceivedEnvelope,
} from '#telemetry';
import type { RouteConfiguration } from './authenticate.js';
import { Intake } from './intake.js';

/** The largest body that posthog-python sends, decompressed. */
const MAX_BATCH_BYTES = 5 * 1024 * 1024;

export const POSTHOG: RouteConfiguration = {
  keyInBody: true,
  maxAnonymousBytes: MAX_BATCH_BYTES,
  sniffsEncoding: true,
};

const OK = { status: 'Ok' };

/** No feature flags: clients behave as if none were defined. */
const NO_FLAGS = {
  flags: {},
  featureFlags: {},
  featureFlagPayloads: {},
  errorsWhileComputingFlags: false,
  config: { enable_collect_everything: false },
  toolbarParams: {},
  isAuthenticated: false,
  supportedCompression: ['gzip', 'gzip-js', 'base64'],
  sessionRecording: false,
};

/**
 * PostHog's capture API, as posthog-python and posthog-node speak it. They want exactly 200.
 * Source: https://posthog.com/docs/api/capture
 */
@Controller()
export class PosthogController {
  constructor(private readonly intake: Intake) {}

  /** One event, an array of them, or `{batch}`; also as a form with `data` in base64. */
  @Post(['batch', 'capture', 'e', 'i/v0/e', 'track'])
  @RouteConfig(POSTHOG)
  @HttpCode(200)
  async capture(@Req() request: FastifyRequest) {
    const { body, bytes } = this.open(request);
    const sender = this.intake.senderOf(request, findPosthogKey(body));
    await this.intake.accept(
      sender,
      readPosthog(body, this.intake.contextOf(sender, bytes)),
      bytes,
    );
    return OK;
  }

  /** posthog-node's mode v1: the key is in the header, and each event has a result. */
  @Post('i/v1/analytics/events')
  @RouteConfig({ sniffsEncoding: true } satisfies RouteConfiguration)
  @HttpCode(200)
  async events(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const sender = this.intake.senderOf(request);
    const { body, bytes } = this.open(request);
    const sentAt = request.headers['posthog-request-timestamp']?.toString();
    const context = this.intake.contextOf(sender, bytes);
    const { envelopes, results, uuids } = readPosthogV1(body, sentAt, context);
    // An event without a uuid has no result, so the client could not be asked to resend it.
    if (!envelopes.every((envelope) => uuids.has(envelope))) {
      await this.intake.accept(sender, envelopes, bytes);
      return { results };
    }
    const over = await this.intake.acceptSome(sender, envelopes, bytes);
    if (!over.limited) return { results };
    if (over.envelopes.size === envelopes.length) throw over.limited;
    const limited = new Map([['rate_limited', over.envelopes.size]]);
    this.intake.refusals.ofEvents(request, limited, false);
    void reply.header('retry-after', over.limited.retryAfterS);
    return { results: { ...results, ...retryLater(over.envelopes, uuids) } };
  }

  /** The answer is the same for everyone, so no key is needed and the body is not read. */
  @Post(['flags', 'decide'])
  @RouteConfig({ keyInBody: true, ignoresBody: true } satisfies RouteConfiguration)
  @HttpCode(200)
  flags() {
    return NO_FLAGS;
  }

  private open(request: FastifyRequest): { body: unknown; bytes: Buffer } {
    const bytes = this.intake.bytes(request);
    return { body: this.intake.parse(bytes), bytes };
  }
}

function retryLater(
  envelopes: ReadonlySet<ReceivedEnvelope>,
  uuids: ReadonlyMap<ReceivedEnvelope, string>,
): Record<string, PosthogResult> {
  const result: PosthogResult = { result: 'retry', details: 'rate_limited' };
  return Object.fromEntries([...envelopes].map((it) => [uuids.get(it) ?? '', result]));
}
