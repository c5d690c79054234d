import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { InvalidRequest, readNative, readNativeLines, readReport } from '#telemetry';
import { Intake, isNdjson } from './intake.js';

/** Muster's own dialect, and reports as agents print them. */
@Controller('v1')
export class EventsController {
  constructor(private readonly intake: Intake) {}

  /** One envelope, an array of them, or one a line (`application/x-ndjson`). */
  @Post('events')
  async events(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const sender = this.intake.senderOf(request);
    const bytes = this.intake.bytes(request);
    const context = this.intake.contextOf(sender, bytes);
    const parse = (json: Buffer) => this.intake.parse(json);
    const outcomes = isNdjson(request)
      ? readNativeLines(bytes, parse, context)
      : readNative(parse(bytes), context);
    if (outcomes.length === 0) {
      throw new InvalidRequest('invalid_body', 'The request contains no event.');
    }
    await this.intake.answerOutcomes(reply, sender, outcomes, bytes);
  }

  /** A report of DC/OS as `dcos-signal -test` prints it, or as the documents show it. */
  @Post('reports')
  async reports(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const sender = this.intake.senderOf(request);
    const bytes = this.intake.bytes(request);
    const idempotencyKey = request.headers['idempotency-key']?.toString();
    const context = { ...this.intake.contextOf(sender, bytes), idempotencyKey };
    const outcomes = readReport(this.intake.parse(bytes), context);
    await this.intake.answerOutcomes(reply, sender, outcomes, bytes);
  }
}
