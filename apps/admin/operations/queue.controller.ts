import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { QueueInspector } from '#queue';
import { AdminStore, type Administrator } from '#storage';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { FailedJobs, FailedJobsQuery, QueueState, RetriedJobs, RetryBody } from './queue.dto.js';

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
    return this.inspector.status();
  }

  @Get('failed')
  @Scope('operations:read')
  @Documented({
    summary: 'Lists jobs that failed permanently',
    response: FailedJobs,
  })
  async failed(@Query() { limit }: FailedJobsQuery): Promise<FailedJobs> {
    return { jobs: await this.inspector.failed(limit) };
  }

  @Post('failed/retry')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Retries failed jobs',
    about: 'Retries all failed jobs, or those named in `ids`.',
    isBodyOptional: true,
    response: RetriedJobs,
  })
  async retry(@Body() { ids }: RetryBody, @Caller() caller: Administrator): Promise<RetriedJobs> {
    const all = ids === undefined;
    const retried = await this.inspector.retry(ids).catch(async (error: unknown) => {
      // Some jobs may have been queued before Redis failed.
      await this.record(caller, 'failed', { all });
      throw error;
    });
    await this.record(caller, 'done', { retried, all });
    return { retried };
  }

  private async record(actor: Administrator, outcome: 'done' | 'failed', detail: object) {
    await this.admins.record({ actor, act: 'queue.retry', outcome, detail });
  }
}
