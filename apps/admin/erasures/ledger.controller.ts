import { Controller, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AdminStore } from '#storage';
import { LedgerReport } from './ledger.dto.js';
import { administratorOf, Scope } from '../http/auth.guard.js';
import { LedgerCheck } from './ledger-check.js';
import { Documented } from '../http/documented.js';
import { LedgerBody, LedgerQuery, readLedgerRequest } from '../http/validation.js';

@Controller('v1')
export class LedgerController {
  constructor(
    private readonly ledger: LedgerCheck,
    private readonly admins: AdminStore,
  ) {}

  @Post('erasures/verify')
  @Scope('erasures:write')
  @Documented({
    summary: 'Verifies the erasure ledger, and the database against it',
    about:
      'Repairs copies of the ledger, and applies again what the database has lost, for example in a restore. With `dryRun`, nothing is changed. With `acceptLoss`, a ledger that lacks entries which the database has seen is accepted, and the erasures that the database knows are added to it. Both may be in the query or in the body.',
    status: 200,
    query: LedgerQuery,
    body: LedgerBody,
    isBodyOptional: true,
    response: LedgerReport,
  })
  async verify(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
  ): Promise<LedgerReport> {
    const options = readLedgerRequest(query, request.body);
    const actor = administratorOf(request);
    const report = await this.ledger.verify(options, actor);
    const { isDamaged, forgotten } = report;
    const { isDryRun: dryRun, acceptsLoss } = options;
    await this.admins.record({
      ...{ actor, act: 'erasure.verify', outcome: 'done' },
      detail: { dryRun, acceptsLoss, isDamaged, forgotten: forgotten.erasures.length },
    });
    return { ...report, dryRun };
  }
}
