import { Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  AdminStore,
  QuarantineStore,
  type QuarantineFilter,
  type QuarantineJobKind,
} from '#storage';
import { OneQuarantineJob, QuarantineJobPage } from '../answers/quarantine-jobs.js';
import {
  OneQuarantinedEvent,
  QuarantinedEventPage,
  QuarantineSummary,
} from '../answers/quarantine.js';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { Documented } from '../reference/documented.js';
import { isUuid } from '../requests.js';
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
} from './requests.js';

/** Events that were kept aside: looked at here, replayed and discarded by the workers. */
@Controller('v1/quarantine')
export class QuarantineController {
  constructor(
    private readonly quarantine: QuarantineStore,
    private readonly admins: AdminStore,
  ) {}

  @Get()
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Events that were kept aside',
    about: 'Those of which all is true that the query says.',
    query: EventsQuery,
    answer: QuarantinedEventPage,
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
    summary: 'How many events were kept aside, and why',
    about:
      'Also those of no known installation, which are counted by the hour and cannot be replayed.',
    query: SummaryQuery,
    answer: QuarantineSummary,
  })
  async summary(@Query() query: Record<string, unknown>): Promise<QuarantineSummary> {
    const { filter, ...options } = readSummaryQuery(query);
    return { groups: await this.quarantine.summary(filter, options) };
  }

  @Get('jobs')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'Replays and discards, and how far they are',
    query: JobsQuery,
    answer: QuarantineJobPage,
  })
  async jobs(@Query() query: Record<string, unknown>): Promise<QuarantineJobPage> {
    const page = readJobsQuery(query);
    const jobs = await this.quarantine.jobs(page);
    return { jobs, next: jobs.length === page.limit ? (jobs.at(-1)?.id ?? null) : null };
  }

  @Get('jobs/:id')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'How far a replay or a discard is',
    answer: OneQuarantineJob,
    refuses: ['not_found'],
  })
  async job(@Param('id') id: string): Promise<OneQuarantineJob> {
    const job = isUuid(id) ? await this.quarantine.job(id) : null;
    if (!job) throw new AdminError('not_found', 'There is no such job.');
    return { job };
  }

  /** What is kept of the event itself is for those alone who may replay it, and the look is recorded. */
  @Get(':id')
  @Scope('operations:read', 'quarantine:write')
  @Documented({
    summary: 'An event that was kept aside',
    about: 'What is kept of it is shown with `quarantine:write` only, and the look is recorded.',
    answer: OneQuarantinedEvent,
    refuses: ['not_found'],
  })
  async get(
    @Param('id') raw: string,
    @Req() request: FastifyRequest,
  ): Promise<OneQuarantinedEvent> {
    const id = asEventId(raw);
    const event = id === null ? null : await this.quarantine.get(id);
    if (!event) throw new AdminError('not_found', 'There is no such event in quarantine.');
    const actor = administratorOf(request);
    if (!actor.scopes.includes('quarantine:write')) return { event };
    const { installationId } = event;
    const detail = { eventId: event.id };
    await this.admins.record({
      ...{ actor, act: 'quarantine.look', outcome: 'done', installationId, detail },
    });
    return { event: { ...event, content: await this.quarantine.content(event.id) } };
  }

  /** Reads them again by the rules of today. */
  @Post('replays')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Reads events that were kept aside again, by the rules of today',
    about:
      'A filter that says nothing means all. The same, while it is under way, is the same job.',
    status: 202,
    body: ReplayBody,
    answer: OneQuarantineJob,
  })
  async replay(@Req() request: FastifyRequest): Promise<OneQuarantineJob> {
    return this.ask(request, 'replay', readReplayBody(request.body));
  }

  /** Removes them for good. */
  @Post('discards')
  @Scope('quarantine:write')
  @Documented({
    summary: 'Removes events that were kept aside, for good',
    about:
      'A filter that says nothing is refused, unless `all` is said. The same, while it is under way, is the same job.',
    status: 202,
    body: DiscardBody,
    answer: OneQuarantineJob,
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
