import { Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { PurgeStore } from '#storage';
import { OnePurge, PurgeOrSent, PurgePage } from './purges.dto.js';
import { DryRunQuery } from '../http/dry-run.js';
import { AdminError } from '../http/errors.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { isUuid } from '../http/validation.js';
import { PurgeBody, PurgesQuery, readPurge, readPurgesQuery } from './purges.requests.js';

/** Shows what a leaked write key sent, and requests purges, which the workers carry out. */
@Controller('v1/purges')
export class PurgesController {
  constructor(private readonly purges: PurgeStore) {}

  @Post()
  @Scope('erasures:write')
  @Documented({
    summary: 'Removes what a write key sent',
    about:
      '`dryRun`, in the query or in the body, is required: `true` only shows what the key sent. A purge also removes queued events; its `to` must not be in the future. Repeating the request while the purge is running returns the same purge; a failed purge is retried. The balance keeps the fates of the removed events.',
    status: 202,
    query: DryRunQuery,
    body: PurgeBody,
    response: PurgeOrSent,
    refuses: ['not_found'],
  })
  async purge(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
  ): Promise<PurgeOrSent> {
    const { key, isDryRun, ...times } = readPurge(query, request.body);
    const keyId = await this.purges.keyIdOf(key);
    if (keyId === null) throw new AdminError('not_found', 'Write key not found.', 'key');
    const scope = { keyId, ...times };
    if (isDryRun) return { dryRun: true, sent: await this.purges.sent(scope) };
    const { purge } = await this.purges.request(scope, administratorOf(request));
    return { purge };
  }

  @Get()
  @Scope('erasures:write')
  @Documented({
    summary: 'Lists purges and their progress',
    query: PurgesQuery,
    response: PurgePage,
  })
  async list(@Query() query: Record<string, unknown>): Promise<PurgePage> {
    const page = readPurgesQuery(query);
    const purges = await this.purges.list(page);
    return { purges, next: purges.length === page.limit ? (purges.at(-1)?.id ?? null) : null };
  }

  @Get(':id')
  @Scope('erasures:write')
  @Documented({
    summary: 'Gets the progress of a purge',
    response: OnePurge,
    refuses: ['not_found'],
  })
  async get(@Param('id') id: string): Promise<OnePurge> {
    const purge = isUuid(id) ? await this.purges.get(id) : null;
    if (!purge) throw new AdminError('not_found', 'Purge not found.');
    return { purge };
  }
}
