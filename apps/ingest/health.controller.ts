import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Drain, HttpServers } from '#platform';
import { EnvelopeWriter, QueueUnavailable } from '#queue';

@Controller('health')
export class HealthController {
  constructor(
    private readonly writer: EnvelopeWriter,
    private readonly drain: Drain,
    private readonly servers: HttpServers,
  ) {}

  /** The process answers. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /**
   * Redis answers, is durable and has room: an event sent now would be taken. An expired certificate
   * is reported, and does not make ingest unready: agents that do not check it are still served.
   */
  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const certificate = this.servers.certificateValidity();
    if (this.drain.isDraining) {
      void reply.status(503).send({ status: 'unavailable', reason: 'draining', certificate });
      return;
    }
    try {
      await this.writer.check();
      void reply.send({ status: 'ok', certificate });
    } catch (error) {
      const reason = error instanceof QueueUnavailable ? error.reason : 'unreachable';
      void reply.status(503).send({ status: 'unavailable', reason, certificate });
    }
  }
}
