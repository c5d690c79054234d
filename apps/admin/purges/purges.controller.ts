import { Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PurgeStore } from '#storage';
import { OnePurge, PurgeOrSent, PurgePage } from '../answers/purges.js';
import { DryRunQuery } from '../dry-run.js';
import { AdminError } from '../errors.js';
import { administratorOf, Scope } from '../gatekeeper.js';
import { Documented } from '../reference/documented.js';
import { isUuid } from '../requests.js';
import { PurgeBody, PurgesQuery, readPurge, readPurgesQuery } from './requests.js';

/** What a leaked write key sent: looked at here, removed by the workers. */
@Controller('v1/purges')
export class PurgesController {
  constructor(private readonly purges: PurgeStore) {}

  @Post()
  @Scope('erasures:write')
  @Documented({
    summary: 'Removes what a write key sent',
    about:
      '`dryRun`, in the query or in the body, is required: with `true` it only shows what that is. The same, while it is under way, is the same purge; one that has failed is tried again. The balance keeps the fates that the events had.',
    status: 202,
    query: DryRunQuery,
    body: PurgeBody,
    answer: PurgeOrSent,
    refuses: ['not_found'],
  })
  async purge(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
  ): Promise<PurgeOrSent> {
    const { key, isDryRun, ...times } = readPurge(query, request.body);
    const keyId = await this.purges.keyIdOf(key);
    if (keyId === null) throw new AdminError('not_found', 'There is no such write key.', 'key');
    const scope = { keyId, ...times };
    if (isDryRun) return { dryRun: true, sent: await this.purges.sent(scope) };
    const { purge } = await this.purges.request(scope, administratorOf(request));
    return { purge };
  }

  @Get()
  @Scope('erasures:write')
  @Documented({
    summary: 'Purges, and how far they are',
    query: PurgesQuery,
    answer: PurgePage,
  })
  async list(@Query() query: Record<string, unknown>): Promise<PurgePage> {
    const page = readPurgesQuery(query);
    const purges = await this.purges.list(page);
    return { purges, next: purges.length === page.limit ? (purges.at(-1)?.id ?? null) : null };
  }

  @Get(':id')
  @Scope('erasures:write')
  @Documented({ summary: 'How far a purge is', answer: OnePurge, refuses: ['not_found'] })
  async get(@Param('id') id: string): Promise<OnePurge> {
    const purge = isUuid(id) ? await this.purges.get(id) : null;
    if (!purge) throw new AdminError('not_found', 'There is no such purge.');
    return { purge };
  }
}
