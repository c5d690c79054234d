import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { MaintenanceMetrics } from './maintenance-metrics.js';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MaintenanceMetrics) {}

  /** For Prometheus. */
  @Get()
  async show(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.metrics.text();
    await reply.header('content-type', this.metrics.contentType).send(text);
  }
}
