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
import type { EdgePolicy } from './edge-policy.js';
import { Intake, isNdjson } from './intake.js';
import { POSTHOG } from './posthog.controller.js';
import { unwrapForm } from './posthog-form.js';

const DAY_MS = 86_400_000;
/** A preview is for people, and its answer is many times as large as what it is of. */
const MAX_EVENTS = 100;

/** What a preview goes by: the same as the workers, or it would not be true. */
export class Previewer {
  constructor(
    private readonly products: Products,
    private readonly retentionDays: number,
    private readonly policy: EdgePolicy,
  ) {}

  get options(): NormaliseOptions {
    const { products, retentionDays, policy } = this;
    return { products, retentionMs: retentionDays * DAY_MS, decisions: policy.decisions };
  }
}

/** What a vendor shows its users before they send anything. */
@Controller('v1')
export class PreviewController {
  constructor(
    private readonly intake: Intake,
    private readonly previewer: Previewer,
  ) {}

  /**
   * Any body of any dialect, so one with the key in it may be as large as PostHog's: answers which rows
   * would be stored of it, and what would be dropped and why. Stores nothing, and passes nothing on.
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
    const bytes = unwrapForm(this.intake.bytes(request));
    const body = bytes.length === 0 ? '' : this.intake.parse(bytes);
    const sender = this.intake.senderOf(request, findAnyKey(body));
    const dialect = dialectNames.find((name) => name === dialectName);
    if (dialectName !== undefined && !dialect) {
      const message = `There is no such dialect; it is one of ${dialectNames.join(', ')}.`;
      throw new InvalidRequest('unknown_dialect', message);
    }
    const hints = { dialect, ...(installationId !== undefined && { installationId, date }) };
    const context = { ...this.intake.contextOf(sender, bytes), maxEvents: MAX_EVENTS };
    return { success: true, ...preview(body, hints, context, this.previewer.options) };
  }

  private previewLines(request: FastifyRequest) {
    const sender = this.intake.senderOf(request);
    const bytes = this.intake.bytes(request);
    const context = this.intake.contextOf(sender, bytes);
    const parse = (line: Buffer) => this.intake.parse(line);
    return { success: true, ...previewLines(bytes, parse, context, this.previewer.options) };
  }
}
