import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { PurgeStore, type Administrator, type Purge } from '#storage';
import { DryRunQuery, eitherOf } from '../http/dry-run.js';
import { AdminError } from '../http/errors.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { nextAfter } from '../http/fields.js';
import { isUuid } from '../http/validation.js';
import { OnePurge, PurgeBody, PurgeOrSent, PurgePage, PurgesQuery } from './purges.dto.js';

/** It is required, so that leaving it out cannot purge by accident. */
const NO_DRY_RUN =
  'dryRun is required, in the query or in the body: true (show what would be removed) or false (remove it).';

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
    response: PurgeOrSent,
    refuses: ['not_found'],
  })
  async purge(
    @Query() query: DryRunQuery,
    @Body() body: PurgeBody,
    @Caller() caller: Administrator,
  ): Promise<PurgeOrSent> {
    const { key, from, to } = body;
    const isDryRun = eitherOf('dryRun', query, body);
    if (isDryRun === undefined) throw new AdminError('invalid_request', NO_DRY_RUN, 'dryRun');
    if (!isDryRun && Date.parse(to) > Date.now()) {
      throw new AdminError('invalid_request', 'to must not be in the future.', 'to');
    }
    const keyId = await this.purges.keyIdOf(key);
    if (keyId === null) throw new AdminError('not_found', 'Write key not found.', 'key');
    const scope = { keyId, from, to };
    if (isDryRun) return { dryRun: true, sent: await this.purges.sent(scope) };
    const { purge } = await this.purges.request(scope, caller);
    return { purge };
  }

  @Get()
  @Scope('erasures:write')
  @Documented({
    summary: 'Lists purges and their progress',
    response: PurgePage,
  })
  async list(@Query() query: PurgesQuery): Promise<PurgePage> {
    const purges = await this.purges.list(query);
    return { purges, next: nextAfter(purges, query.limit) };
  }

  @Get(':id')
  @Scope('erasures:write')
  @Documented({
    summary: 'Gets the progress of a purge',
    response: OnePurge,
    refuses: ['not_found'],
  })
  async get(@Param('id') id: string): Promise<OnePurge> {
    return { purge: await this.find(id) };
  }

  @Post(':id/retry')
  @Scope('erasures:write')
  @Documented({
    summary: 'Resumes a failed purge',
    about: 'It continues where it was.',
    status: 202,
    response: OnePurge,
    refuses: ['not_found', 'conflict'],
  })
  async retry(@Param('id') id: string, @Caller() caller: Administrator): Promise<OnePurge> {
    const { state } = await this.find(id);
    const purge = await this.purges.retry(id, caller);
    if (purge) return { purge };
    throw new AdminError('conflict', `The purge is ${state}. Only a failed one can be retried.`);
  }

  private async find(id: string): Promise<Purge> {
    const purge = isUuid(id) ? await this.purges.get(id) : null;
    if (!purge) throw new AdminError('not_found', 'Purge not found.');
    return purge;
  }
}
