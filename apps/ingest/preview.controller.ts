import { Controller, HttpCode, Post, Query, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import {
  dialectNames,
  findAnyKey,
  InvalidRequest,
  preview,
  previewLines,
  type NormaliseOptions,
  type Products,
} from '#telemetry';
import type { IngestSettings } from '#platform';
import type { EdgePolicy } from './edge-policy.js';
import { Intake, isNdjson } from './intake.js';
import { RateLimited } from './limits.js';
import { PerMinute } from './per-minute.js';
import { POSTHOG } from './posthog.controller.js';
import type { Sender } from './write-keys.js';

const DAY_MS = 86_400_000;
/** A preview is for people, and its response is many times as large as the events. */
const MAX_EVENTS = 100;

/** Normalises with the same rules as the workers, so that previews are accurate. */
export class Previewer {
  /** Previewed events by write key. They are read in this process, so they are limited here. */
  readonly #previewed = new PerMinute();

  constructor(
    private readonly products: Products,
    private readonly settings: Pick<IngestSettings, 'retentionDays' | 'maxPreviewEventsPerMinute'>,
    private readonly policy: EdgePolicy,
  ) {}

  /**
   * Previews events and counts them against the sender's limit.
   * @throws RateLimited if the limit is exceeded
   */
  preview<T extends { events: unknown[] }>(
    { keyDigest }: Sender,
    work: (options: NormaliseOptions) => T,
  ): T {
    if (this.#previewed.usedBy(keyDigest) >= this.settings.maxPreviewEventsPerMinute) {
      const message = 'Rate limit exceeded: too many previewed events per minute. Retry later.';
      throw new RateLimited(this.#previewed.waitMsOf(keyDigest), message);
    }
    // A body that cannot be read takes time as well.
    this.#previewed.add(keyDigest, 1);
    const previewed = work(this.options);
    this.#previewed.add(keyDigest, previewed.events.length);
    return previewed;
  }

  private get options(): NormaliseOptions {
    const { products, settings, policy } = this;
    return { products, retentionMs: settings.retentionDays * DAY_MS, decisions: policy.decisions };
  }
}

/** Shows users what would be stored before they send anything. */
@Controller('v1')
export class PreviewController {
  constructor(
    private readonly intake: Intake,
    private readonly previewer: Previewer,
  ) {}

  /**
   * Accepts any body in any dialect, up to PostHog's limit if the key is in it. Returns the rows that would be stored,
   * and what would be dropped and why. Nothing is stored or queued.
   */
  @Post('preview')
  @RouteConfig(POSTHOG)
  @HttpCode(200)
  preview(
    @Req() request: FastifyRequest,
    @Query('dialect') dialectName?: string,
    @Query('installationId') installationId?: string,
    @Query('date') date?: string,
  ) {
    if (isNdjson(request)) return this.previewLines(request);
    const bytes = this.intake.bytes(request);
    const body = bytes.length === 0 ? '' : this.intake.parse(bytes);
    const sender = this.intake.senderOf(request, findAnyKey(body));
    const dialect = dialectNames.find((name) => name === dialectName);
    if (dialectName !== undefined && !dialect) {
      const message = `Unknown dialect. Known dialects: ${dialectNames.join(', ')}.`;
      throw new InvalidRequest('unknown_dialect', message);
    }
    const hints = { dialect, ...(installationId !== undefined && { installationId, date }) };
    const context = this.contextOf(sender, bytes);
    const previewed = this.previewer.preview(sender, (options) =>
      preview(body, hints, context, options),
    );
    return { success: true, ...previewed };
  }

  private contextOf(sender: Sender, bytes: Buffer) {
    return { ...this.intake.contextOf(sender, bytes), maxEvents: MAX_EVENTS };
  }

  private previewLines(request: FastifyRequest) {
    const sender = this.intake.senderOf(request);
    const bytes = this.intake.bytes(request);
    const context = this.contextOf(sender, bytes);
    const parse = (line: Buffer) => this.intake.parse(line);
    const previewed = this.previewer.preview(sender, (options) =>
      previewLines(bytes, parse, context, options),
    );
    return { success: true, ...previewed };
  }
}
