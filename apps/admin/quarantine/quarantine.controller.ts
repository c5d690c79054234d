import { Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  AdminStore,
  QuarantineStore,
  type QuarantineFilter,
  type QuarantineJobKind,
} from '#storage';
import { OneQuarantineJob, QuarantineJobPage } from './quarantine-jobs.dto.js';
import { OneQuarantinedEvent, QuarantinedEventPage, QuarantineSummary } from './quarantine.dto.js';
import { AdminError } from '../http/errors.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isUuid } from '../http/validation.js';
import {
  asEventId,
  DiscardBody,
  EventsQuery,
  JobsQuery,
  readDiscardBody,
  readJobsQuery,
  readListQuery,
  readReplayBody,
  readSummaryQuery,
  ReplayBody,
  SummaryQuery,
} from './quarantine.requests.js';

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
    query: EventsQuery,
    response: QuarantinedEventPage,
  })
  async list(@Query() query: Record<string, unknown>): Promise<QuarantinedEventPage> {
    const { filter, ...page } = readListQuery(query);
    const events = await this.quarantine.list(filter, page);
    const isFull = events.length === page.limit;
    return { events, next: isFull ? (events.at(-1)?.id ?? null) : null };
  }

  @Get('summary')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Counts quarantined events by group',
    about:
      'Includes events without a known installation. These are only counted per hour, and cannot be replayed.',
    query: SummaryQuery,
    response: QuarantineSummary,
  })
  async summary(@Query() query: Record<string, unknown>): Promise<QuarantineSummary> {
    const { filter, ...options } = readSummaryQuery(query);
    return { groups: await this.quarantine.summary(filter, options) };
  }

  @Get('jobs')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Lists replays and discards with their progress',
    query: JobsQuery,
    response: QuarantineJobPage,
  })
  async jobs(@Query() query: Record<string, unknown>): Promise<QuarantineJobPage> {
    const page = readJobsQuery(query);
    const jobs = await this.quarantine.jobs(page);
    return { jobs, next: jobs.length === page.limit ? (jobs.at(-1)?.id ?? null) : null };
  }

  @Get('jobs/:id')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Gets the progress of a replay or a discard',
    response: OneQuarantineJob,
    refuses: ['not_found'],
  })
  async job(@Param('id') id: string): Promise<OneQuarantineJob> {
    const job = isUuid(id) ? await this.quarantine.job(id) : null;
    if (!job) throw new AdminError('not_found', 'Job not found.');
    return { job };
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
    @Param('id') raw: string,
    @Req() request: FastifyRequest,
  ): Promise<OneQuarantinedEvent> {
    const id = asEventId(raw);
    const event = id === null ? null : await this.quarantine.get(id);
    if (!event) throw new AdminError('not_found', 'Quarantined event not found.');
    const actor = administratorOf(request);
    if (!actor.scopes.includes('quarantine:write')) return { event };
    const { installationId } = event;
    const detail = { eventId: event.id };
    await this.admins.record({
      ...{ actor, act: 'quarantine.look', outcome: 'done', installationId, detail },
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
    body: ReplayBody,
    response: OneQuarantineJob,
  })
  async replay(@Req() request: FastifyRequest): Promise<OneQuarantineJob> {
    return this.ask(request, 'replay', readReplayBody(request.body));
  }

  @Post('discards')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Deletes quarantined events permanently',
    about:
      'An empty filter is rejected unless `all` is true. Repeating the request while the job is running returns the same job.',
    status: 202,
    body: DiscardBody,
    response: OneQuarantineJob,
  })
  async discard(@Req() request: FastifyRequest): Promise<OneQuarantineJob> {
    return this.ask(request, 'discard', readDiscardBody(request.body));
  }

  private async ask(request: FastifyRequest, kind: QuarantineJobKind, filter: QuarantineFilter) {
    const requestedBy = administratorOf(request);
    const { job } = await this.quarantine.request({ kind, filter, requestedBy });
    return { job };
  }
}
