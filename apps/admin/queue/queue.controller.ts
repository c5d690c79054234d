import { Controller, Get, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { QueueInspector } from '#queue';
import { AdminStore } from '#storage';
import { FailedJobs, QueueState, RetriedJobs } from '../answers/operations.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { Documented } from '../reference/documented.js';
import { FailedJobsQuery, readFailedJobsQuery, readRetryBody, RetryBody } from './requests.js';

/** The queue, without what is in it. */
@Controller('v1/queue')
export class QueueController {
  constructor(
    private readonly inspector: QueueInspector,
    private readonly admins: AdminStore,
  ) {}

  @Get()
  @Scope('operations:read')
  @Documented({
    summary: 'How full the queue is',
    answer: QueueState,
    refuses: ['unavailable'],
  })
  async figures(): Promise<QueueState> {
    return this.inspector.figures();
  }

  @Get('failed')
  @Scope('operations:read')
  @Documented({
    summary: 'The jobs that failed for good',
    query: FailedJobsQuery,
    answer: FailedJobs,
    refuses: ['unavailable'],
  })
  async failed(@Query() query: Record<string, unknown>): Promise<FailedJobs> {
    const { limit } = readFailedJobsQuery(query);
    return { jobs: await this.inspector.failed(limit) };
  }

  @Post('failed/retry')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Lets failed jobs be tried again',
    about: 'All of them, or those of these ids.',
    body: RetryBody,
    isBodyOptional: true,
    answer: RetriedJobs,
    refuses: ['unavailable'],
  })
  async retry(@Req() request: FastifyRequest): Promise<RetriedJobs> {
    const { ids } = readRetryBody(request.body);
    const all = ids === undefined;
    const retried = await this.inspector.retry(ids).catch(async (error: unknown) => {
      // Some may have been let go before Redis went away.
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
