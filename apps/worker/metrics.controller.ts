import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { HousekeepingMetrics } from './housekeeping-metrics.js';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: HousekeepingMetrics) {}

  /** For Prometheus. */
  @Get()
  async show(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.metrics.text();
    await reply.header('content-type', this.metrics.contentType).send(text);
  }
}
