import { Controller, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AdminStore } from '#storage';
import { LedgerReport } from './answers/ledger.js';
import { administratorOf, Scope } from './gatekeeper.js';
import { LedgerCheck } from './ledger-check.js';
import { Documented } from './reference/documented.js';
import { LedgerQuery, readLedgerQuery } from './requests.js';

/** The ledger of erasures that is kept outside the database. */
@Controller('v1')
export class LedgerController {
  constructor(
    private readonly ledger: LedgerCheck,
    private readonly admins: AdminStore,
  ) {}

  /** Compares, and applies again what the database has forgotten. */
  @Post('erasures/verify')
  @Scope('erasures:write')
  @Documented({
    summary: 'Checks the ledger of erasures, and the database against it',
    about:
      'Repairs copies of the ledger, and applies again what the database has forgotten, as after a restore. With `dryRun=true` it only looks. With `acceptLoss=true` a ledger that lacks entries which the database has seen is taken as it is, and what the database knows is added to it.',
    status: 200,
    query: LedgerQuery,
    answer: LedgerReport,
  })
  async verify(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
  ): Promise<LedgerReport> {
    const { dryRun, acceptsLoss } = readLedgerQuery(query);
    const report = await this.ledger.verify({ isDryRun: dryRun, acceptsLoss });
    const { isDamaged, forgotten } = report;
    await this.admins.record({
      actor: administratorOf(request),
      ...{ act: 'erasure.verify', outcome: 'done' },
      detail: { dryRun, acceptsLoss, isDamaged, forgotten: forgotten.erasures.length },
    });
    return { ...report, dryRun };
  }
}
