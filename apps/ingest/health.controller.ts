import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EnvelopeWriter, QueueUnavailable } from '#queue';

@Controller('health')
export class HealthController {
  constructor(private readonly writer: EnvelopeWriter) {}

  /** The process answers. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** Redis answers, is durable and has room: an event sent now would be taken. */
  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    try {
      await this.writer.check();
      void reply.send({ status: 'ok' });
    } catch (error) {
      const reason = error instanceof QueueUnavailable ? error.reason : 'unreachable';
      void reply.status(503).send({ status: 'unavailable', reason });
    }
  }
}
