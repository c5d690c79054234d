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
import type { RouteConfiguration } from './authenticate.js';
import type { EdgePolicy } from './edge-policy.js';
import { RateLimited } from './errors.js';
import { Intake, type Opened } from './intake.js';
import { PerMinute } from './per-minute.js';
import { POSTHOG } from './posthog.controller.js';

const DAY_MS = 86_400_000;
/** A preview is for people, and its response is many times as large as the events. */
const MAX_EVENTS = 100;

const PREVIEW: RouteConfiguration = {
  ...POSTHOG,
  keyInBody: findAnyKey,
  takesLines: true,
  mayBeEmpty: true,
};

type Hints = Parameters<typeof preview>[1];
type Preview = ReturnType<typeof preview>;

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
   * @throws InvalidRequest as the dialect of the body does
   * @throws RateLimited if the limit is exceeded
   */
  preview({ sender, body, bytes, parseLine, ...opened }: Opened, hints: Hints): Preview {
    const { keyDigest } = sender;
    if (this.#previewed.usedBy(keyDigest) >= this.settings.maxPreviewEventsPerMinute) {
      const message = 'Rate limit exceeded: too many previewed events per minute. Retry later.';
      throw new RateLimited(this.#previewed.waitMsOf(keyDigest), message);
    }
    // A body that cannot be read takes time as well.
    this.#previewed.add(keyDigest, 1);
    const context = { ...opened.context, maxEvents: MAX_EVENTS };
    const previewed = parseLine
      ? previewLines(bytes, parseLine, context, this.options)
      : preview(body, hints, context, this.options);
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
  @RouteConfig(PREVIEW)
  @HttpCode(200)
  preview(
    @Req() request: FastifyRequest,
    @Query('dialect') dialectName?: string,
    @Query('installationId') installationId?: string,
    @Query('date') date?: string,
  ) {
    const opened = this.intake.open(request);
    // Lines are in the native dialect, whatever the query names.
    const dialect = opened.parseLine ? 'native' : dialectOf(dialectName);
    const hints = { dialect, ...(installationId !== undefined && { installationId, date }) };
    return { success: true, ...this.previewer.preview(opened, hints) };
  }
}

/** @throws InvalidRequest `unknown_dialect` */
function dialectOf(given: string | undefined): Hints['dialect'] {
  const dialect = dialectNames.find((name) => name === given);
  if (given === undefined || dialect) return dialect;
  const message = `Unknown dialect. Known dialects: ${dialectNames.join(', ')}.`;
  throw new InvalidRequest('unknown_dialect', message);
}
