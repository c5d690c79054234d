import { Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readDatedReport } from '#telemetry';
import { answerOutcomes, envelopesOf } from './answer.js';
import type { RouteConfiguration } from './authenticate.js';
import { Intake } from './intake.js';
import { Refusals } from './refusals.js';

/** Octopus Server's performance telemetry: a payload for an installation and a day. */
@Controller('api/telemetry')
export class OctopusController {
  constructor(
    private readonly intake: Intake,
    private readonly refusals: Refusals,
  ) {}

  @Post(':installationId/:date')
  @RouteConfig({ mayBeEmpty: true } satisfies RouteConfiguration)
  @HttpCode(202)
  async report(
    @Param('installationId') installationId: string,
    @Param('date') date: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const opened = this.intake.open(request);
    const outcomes = [readDatedReport(opened.body, { installationId, date }, opened.context)];
    const over = await this.intake.acceptEach(opened, envelopesOf(outcomes));
    answerOutcomes(reply, outcomes, over, this.refusals);
  }
}
