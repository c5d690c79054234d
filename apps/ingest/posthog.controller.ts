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
import { Refusals } from './refusals.js';

/** The largest body that posthog-python sends, decompressed. */
const MAX_BATCH_BYTES = 5 * 1024 * 1024;

export const POSTHOG: RouteConfiguration = {
  keyInBody: findPosthogKey,
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
  constructor(
    private readonly intake: Intake,
    private readonly refusals: Refusals,
  ) {}

  /** One event, an array of them, or `{batch}`; also as a form with `data` in base64. */
  @Post(['batch', 'capture', 'e', 'i/v0/e', 'track'])
  @RouteConfig(POSTHOG)
  @HttpCode(200)
  async capture(@Req() request: FastifyRequest) {
    const opened = this.intake.open(request);
    await this.intake.accept(opened, readPosthog(opened.body, opened.context));
    return OK;
  }

  /** posthog-node's mode v1: the key is in the header, and each event has a result. */
  @Post('i/v1/analytics/events')
  @RouteConfig({ sniffsEncoding: true } satisfies RouteConfiguration)
  @HttpCode(200)
  async events(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const opened = this.intake.open(request);
    const sentAt = request.headers['posthog-request-timestamp']?.toString();
    const { envelopes, results, uuids } = readPosthogV1(opened.body, sentAt, opened.context);
    // An event without a uuid has no result, so the client could not be asked to resend it.
    if (!envelopes.every((envelope) => uuids.has(envelope))) {
      await this.intake.accept(opened, envelopes);
      return { results };
    }
    const over = await this.intake.acceptEach(opened, envelopes);
    if (!over.limited) return { results };
    if (over.envelopes.size === envelopes.length) throw over.limited;
    this.refusals.ofEvents(request, new Map([['rate_limited', over.envelopes.size]]), false);
    void reply.header('retry-after', over.limited.retryAfterS);
    return { results: { ...results, ...retryLater(over.envelopes, uuids) } };
  }

  /** The answer is the same for everyone, so no key is needed and the body is not read. */
  @Post(['flags', 'decide'])
  @RouteConfig({ ignoresBody: true } satisfies RouteConfiguration)
  @HttpCode(200)
  flags() {
    return NO_FLAGS;
  }
}

function retryLater(
  envelopes: ReadonlySet<ReceivedEnvelope>,
  uuids: ReadonlyMap<ReceivedEnvelope, string>,
): Record<string, PosthogResult> {
  const result: PosthogResult = { result: 'retry', details: 'rate_limited' };
  return Object.fromEntries([...envelopes].map((it) => [uuids.get(it) ?? '', result]));
}
