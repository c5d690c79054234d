import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { WorkerLoop } from './worker-loop.js';

@Controller('health')
export class HealthController {
  constructor(private readonly loop: WorkerLoop) {}

  /** The process answers. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** Redis and Postgres answer, and jobs are taken. */
  @Get('ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    try {
      await this.loop.check();
      void reply.send({ status: 'ok' });
    } catch {
      void reply.status(503).send({ status: 'unavailable' });
    }
  }
}
