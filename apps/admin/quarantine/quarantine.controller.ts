import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  AdminStore,
  QuarantineStore,
  type QuarantineFilter,
  type QuarantineJobKind,
} from '#storage';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { isUuid } from '../requests.js';
import {
  asEventId,
  readDiscardBody,
  readJobsQuery,
  readListQuery,
  readReplayBody,
  readSummaryQuery,
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
  async list(@Query() query: Record<string, unknown>) {
    const { filter, ...page } = readListQuery(query);
    const events = await this.quarantine.list(filter, page);
    const isFull = events.length === page.limit;
    return { events, next: isFull ? (events.at(-1)?.id ?? null) : null };
  }

  @Get('summary')
  @Scope('operations:read', 'quarantine:write')
  async summary(@Query() query: Record<string, unknown>) {
    const { filter, ...options } = readSummaryQuery(query);
    return { groups: await this.quarantine.summary(filter, options) };
  }

  @Get('jobs')
  @Scope('operations:read', 'quarantine:write')
  async jobs(@Query() query: Record<string, unknown>) {
    const page = readJobsQuery(query);
    const jobs = await this.quarantine.jobs(page);
    return { jobs, next: jobs.length === page.limit ? (jobs.at(-1)?.id ?? null) : null };
  }

  @Get('jobs/:id')
  @Scope('operations:read', 'quarantine:write')
  async job(@Param('id') id: string) {
    const job = isUuid(id) ? await this.quarantine.job(id) : null;
    if (!job) throw new AdminError('not_found', 'There is no such job.');
    return { job };
  }

  /** What is kept of the event itself is for those alone who may replay it, and the look is recorded. */
  @Get(':id')
  @Scope('operations:read', 'quarantine:write')
  async get(@Param('id') raw: string, @Req() request: FastifyRequest) {
    const id = asEventId(raw);
    const event = id === null ? null : await this.quarantine.get(id);
    if (!event) throw new AdminError('not_found', 'There is no such event in quarantine.');
    const { name: actor, scopes } = administratorOf(request);
    if (!scopes.includes('quarantine:write')) return { event };
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
  @HttpCode(202)
  async replay(@Req() request: FastifyRequest) {
    return this.ask(request, 'replay', readReplayBody(request.body));
  }

  /** Removes them for good. */
  @Post('discards')
  @Scope('quarantine:write')
  @HttpCode(202)
  async discard(@Req() request: FastifyRequest) {
    return this.ask(request, 'discard', readDiscardBody(request.body));
  }

  private async ask(request: FastifyRequest, kind: QuarantineJobKind, filter: QuarantineFilter) {
    const { name } = administratorOf(request);
    const { job, isNew } = await this.quarantine.request({ kind, filter, requestedBy: name });
    if (isNew) {
      const detail = { jobId: job.id, filter };
      await this.admins.record({ actor: name, act: `quarantine.${kind}`, outcome: 'done', detail });
    }
    return { job };
  }
}
