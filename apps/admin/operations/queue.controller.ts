import { Controller, Get, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { QueueInspector } from '#queue';
import { AdminStore } from '#storage';
import { FailedJobs, QueueState, RetriedJobs } from './queue.dto.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import {
  FailedJobsQuery,
  readFailedJobsQuery,
  readRetryBody,
  RetryBody,
} from './queue.requests.js';

/** The state of the queue, without the contents of jobs. */
@Controller('v1/queue')
export class QueueController {
  constructor(
    private readonly inspector: QueueInspector,
    private readonly admins: AdminStore,
  ) {}

  @Get()
  @Scope('operations:read')
  @Documented({
    summary: 'Gets the state of the queue',
    response: QueueState,
  })
  async figures(): Promise<QueueState> {
    return this.inspector.figures();
  }

  @Get('failed')
  @Scope('operations:read')
  @Documented({
    summary: 'Lists jobs that failed permanently',
    query: FailedJobsQuery,
    response: FailedJobs,
  })
  async failed(@Query() query: Record<string, unknown>): Promise<FailedJobs> {
    const { limit } = readFailedJobsQuery(query);
    return { jobs: await this.inspector.failed(limit) };
  }

  @Post('failed/retry')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Retries failed jobs',
    about: 'Retries all failed jobs, or those named in `ids`.',
    body: RetryBody,
    isBodyOptional: true,
    response: RetriedJobs,
  })
  async retry(@Req() request: FastifyRequest): Promise<RetriedJobs> {
    const { ids } = readRetryBody(request.body);
    const all = ids === undefined;
    const retried = await this.inspector.retry(ids).catch(async (error: unknown) => {
      // Some jobs may have been queued before Redis failed.
      await this.record(request, 'failed', { all });
      throw error;
    });
    await this.record(request, 'done', { retried, all });
    return { retried };
  }

  private async record(request: FastifyRequest, outcome: 'done' | 'failed', detail: object) {
    const actor = administratorOf(request);
    await this.admins.record({ actor, act: 'queue.retry', outcome, detail });
  }
}
