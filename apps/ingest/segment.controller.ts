import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { findSegmentKey, readSegmentBatch, readSegmentCall, type SegmentType } from '#telemetry';
import type { RouteConfiguration } from './authenticate.js';
import { Intake } from './intake.js';

/** The calls of one event: the API's own names, and the short ones that browsers use. */
const CALLS: Record<string, SegmentType> = {
  track: 'track',
  t: 'track',
  identify: 'identify',
  i: 'identify',
  page: 'page',
  p: 'page',
  screen: 'screen',
  s: 'screen',
  group: 'group',
  g: 'group',
  alias: 'alias',
  a: 'alias',
};

const KEY_IN_BODY: RouteConfiguration = { keyInBody: findSegmentKey };
const SUCCESS = { success: true };

/**
 * Segment's tracking API, as its clients and dcos-signal speak it. They want exactly 200.
 * Source: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
@Controller('v1')
export class SegmentController {
  constructor(private readonly intake: Intake) {}

  @Post(['batch', 'import'])
  @RouteConfig(KEY_IN_BODY)
  @HttpCode(200)
  async batch(@Req() request: FastifyRequest) {
    return this.take(request, readSegmentBatch);
  }

  @Post(Object.keys(CALLS))
  @RouteConfig(KEY_IN_BODY)
  @HttpCode(200)
  async call(@Req() request: FastifyRequest) {
    const name = request.routeOptions.url?.split('/').at(-1) ?? '';
    const type = CALLS[name] ?? 'track';
    return this.take(request, (body, context) => readSegmentCall(type, body, context));
  }

  private async take(request: FastifyRequest, read: typeof readSegmentBatch) {
    const opened = this.intake.open(request);
    await this.intake.accept(opened, read(opened.body, opened.context));
    return SUCCESS;
  }
}
