import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readDatedReport } from '#telemetry';
import { Intake } from './intake.js';

/** Octopus Server's performance telemetry: a payload for an installation and a day. */
@Controller('api/telemetry')
export class OctopusController {
  constructor(private readonly intake: Intake) {}

  @Post(':installationId/:date')
  @HttpCode(202)
  async report(
    @Param('installationId') installationId: string,
    @Param('date') date: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const sender = this.intake.senderOf(request);
    const bytes = this.intake.bytes(request);
    const body = bytes.length === 0 ? '' : this.intake.parse(bytes);
    const context = this.intake.contextOf(sender, bytes);
    const outcome = readDatedReport(body, { installationId, date }, context);
    await this.intake.answerOutcomes(reply, sender, [outcome], bytes);
  }
}
