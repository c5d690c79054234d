import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { findPosthogKey, readPosthog, readPosthogV1 } from '#telemetry';
import type { RouteConfiguration } from './authenticate.js';
import { Intake } from './intake.js';
import { unwrapForm } from './posthog-form.js';

/** What posthog-python sends at most at once, decompressed. */
const MAX_BATCH_BYTES = 5 * 1024 * 1024;

export const POSTHOG: RouteConfiguration = {
  keyInBody: true,
  maxAnonymousBytes: MAX_BATCH_BYTES,
  sniffsEncoding: true,
};

const OK = { status: 'Ok' };

/** No flag is on: clients that ask for flags go on as if nobody had set any. */
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
    const product = this.intake.productOf(request, findPosthogKey(body));
    await this.intake.accept(readPosthog(body, this.intake.contextOf(product, bytes)), bytes);
    return OK;
  }

  /** posthog-node's mode v1: the key is in the header, and each event has a result. */
  @Post('i/v1/analytics/events')
  @RouteConfig({ sniffsEncoding: true } satisfies RouteConfiguration)
  @HttpCode(200)
  async events(@Req() request: FastifyRequest) {
    const product = this.intake.productOf(request);
    const { body, bytes } = this.open(request);
    const sentAt = request.headers['posthog-request-timestamp']?.toString();
    const context = this.intake.contextOf(product, bytes);
    const { envelopes, results } = readPosthogV1(body, sentAt, context);
    if (envelopes.length > 0) await this.intake.accept(envelopes, bytes);
    return { results };
  }

  /** Answers with nothing of anybody's, so it asks for no key. */
  @Post(['flags', 'decide'])
  @RouteConfig(POSTHOG)
  @HttpCode(200)
  flags() {
    return NO_FLAGS;
  }

  private open(request: FastifyRequest): { body: unknown; bytes: Buffer } {
    const bytes = unwrapForm(this.intake.bytes(request));
    return { body: this.intake.parse(bytes), bytes };
  }
}
