import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import {
  AdminStore,
  QuarantineStore,
  summaryFields,
  type Administrator,
  type QuarantineFilter,
  type QuarantineJob,
  type QuarantineJobKind,
} from '#storage';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { nextAfter } from '../http/fields.js';
import { isUuid } from '../http/validation.js';
import {
  DiscardBody,
  JobsQuery,
  OneQuarantineJob,
  QuarantineJobPage,
  ReplayBody,
} from './quarantine-jobs.dto.js';
import {
  EventsQuery,
  OneQuarantinedEvent,
  QuarantinedEventPage,
  QuarantineSummary,
  SummaryQuery,
} from './quarantine.dto.js';

/** A bigint of Postgres has 19 digits. */
const EVENT_ID = /^\d{1,18}$/;

/** Shows quarantined events, and requests replays and discards, which the workers carry out. */
@Controller('v1/quarantine')
export class QuarantineController {
  constructor(
    private readonly quarantine: QuarantineStore,
    private readonly admins: AdminStore,
  ) {}

  @Get()
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Lists quarantined events',
    about: 'Returns the events that match all of the given filters.',
    response: QuarantinedEventPage,
  })
  async list(@Query() { after, limit, ...filter }: EventsQuery): Promise<QuarantinedEventPage> {
    const events = await this.quarantine.list(filter, { after, limit });
    return { events, next: nextAfter(events, limit) };
  }

  @Get('summary')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Counts quarantined events by group',
    about:
      'Includes events without a known installation. These are only counted per hour, and cannot be replayed.',
    response: QuarantineSummary,
  })
  async summary(
    @Query() { by: named, limit, ...filter }: SummaryQuery,
  ): Promise<QuarantineSummary> {
    const by = summaryFields.filter((field) => named.includes(field));
    return { groups: await this.quarantine.summary(filter, { by, limit }) };
  }

  @Get('jobs')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Lists replays and discards with their progress',
    response: QuarantineJobPage,
  })
  async jobs(@Query() query: JobsQuery): Promise<QuarantineJobPage> {
    const jobs = await this.quarantine.jobs(query);
    return { jobs, next: nextAfter(jobs, query.limit) };
  }

  @Get('jobs/:id')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Gets the progress of a replay or a discard',
    response: OneQuarantineJob,
    refuses: ['not_found'],
  })
  async job(@Param('id') id: string): Promise<OneQuarantineJob> {
    return { job: await this.find(id) };
  }

  @Post('jobs/:id/retry')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Resumes a failed replay or discard',
    about: 'It continues where it was.',
    status: 202,
    response: OneQuarantineJob,
    refuses: ['not_found', 'conflict'],
  })
  async retry(@Param('id') id: string, @Caller() caller: Administrator): Promise<OneQuarantineJob> {
    const { state } = await this.find(id);
    const job = await this.quarantine.retry(id, caller);
    if (job) return { job };
    throw new AdminError('conflict', `The job is ${state}. Only a failed one can be retried.`);
  }

  @Get(':id')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Gets a quarantined event',
    about:
      'Its stored content is returned only to tokens with `quarantine:write`, and each such access is audited.',
    response: OneQuarantinedEvent,
    refuses: ['not_found'],
  })
  async get(
    @Param('id') id: string,
    @Caller() caller: Administrator,
  ): Promise<OneQuarantinedEvent> {
    const event = EVENT_ID.test(id) ? await this.quarantine.get(id) : null;
    if (!event) throw new AdminError('not_found', 'Quarantined event not found.');
    if (!caller.scopes.includes('quarantine:write')) return { event };
    const { installationId } = event;
    const detail = { eventId: event.id };
    await this.admins.record({
      ...{ actor: caller, act: 'quarantine.look', outcome: 'done', installationId, detail },
    });
    return { event: { ...event, content: await this.quarantine.content(event.id) } };
  }

  @Post('replays')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Replays quarantined events',
    about:
      'Normalises the events again with the current rules. An empty filter selects all events. Repeating the request while the job is running returns the same job.',
    status: 202,
    response: OneQuarantineJob,
  })
  async replay(
    @Body() { filter = {} }: ReplayBody,
    @Caller() caller: Administrator,
  ): Promise<OneQuarantineJob> {
    return this.ask('replay', filter, caller);
  }

  @Post('discards')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Deletes quarantined events permanently',
    about:
      'An empty filter is rejected unless `all` is true. Repeating the request while the job is running returns the same job.',
    status: 202,
    response: OneQuarantineJob,
  })
  async discard(
    @Body() { all, filter = {} }: DiscardBody,
    @Caller() caller: Administrator,
  ): Promise<OneQuarantineJob> {
    const isEmpty = Object.keys(filter).length === 0;
    if (all !== true && isEmpty) {
      const message = 'filter is empty. To discard all events, pass "all": true.';
      throw new AdminError('invalid_request', message, 'filter');
    }
    if (all === true && !isEmpty) {
      throw new AdminError('invalid_request', 'Pass either all or filter, not both.', 'all');
    }
    return this.ask('discard', filter, caller);
  }

  private async find(id: string): Promise<QuarantineJob> {
    const job = isUuid(id) ? await this.quarantine.job(id) : null;
    if (!job) throw new AdminError('not_found', 'Job not found.');
    return job;
  }

  private async ask(
    kind: QuarantineJobKind,
    filter: QuarantineFilter,
    requestedBy: Administrator,
  ): Promise<OneQuarantineJob> {
    const { job } = await this.quarantine.request({ kind, filter, requestedBy });
    return { job };
  }
}
