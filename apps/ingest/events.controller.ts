import { Controller, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { InvalidRequest, readNative, readNativeLines, readReport } from '#telemetry';
import { answerOutcomes, envelopesOf, type Outcome } from './answer.js';
import type { RouteConfiguration } from './authenticate.js';
import { Intake, type Opened } from './intake.js';
import { Refusals } from './refusals.js';

/** Muster's own dialect, and reports as agents print them. */
@Controller('v1')
export class EventsController {
  constructor(
    private readonly intake: Intake,
    private readonly refusals: Refusals,
  ) {}

  /** One envelope, an array of them, or one a line (`application/x-ndjson`). */
  @Post('events')
  @RouteConfig({ takesLines: true } satisfies RouteConfiguration)
  async events(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const opened = this.intake.open(request);
    const { body, bytes, parseLine, context } = opened;
    const outcomes = parseLine
      ? readNativeLines(bytes, parseLine, context)
      : readNative(body, context);
    if (outcomes.length === 0) {
      throw new InvalidRequest('invalid_body', 'The request contains no event.');
    }
    await this.accept(opened, outcomes, reply);
  }

  /** A report of DC/OS as `dcos-signal -test` prints it, or as the documents show it. */
  @Post('reports')
  async reports(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const opened = this.intake.open(request);
    const idempotencyKey = request.headers['idempotency-key']?.toString();
    const outcomes = readReport(opened.body, { ...opened.context, idempotencyKey });
    await this.accept(opened, outcomes, reply);
  }

  private async accept(
    opened: Opened,
    outcomes: readonly Outcome[],
    reply: FastifyReply,
  ): Promise<void> {
    const over = await this.intake.acceptEach(opened, envelopesOf(outcomes));
    answerOutcomes(reply, outcomes, over, this.refusals);
  }
}
