import { Body, Controller, Post, Query } from '@nestjs/common';
import { AdminStore, type Administrator } from '#storage';
import { LedgerBody, LedgerQuery, LedgerReport } from './ledger.dto.js';
import { Caller, Scope } from '../http/auth.guard.js';
import { LedgerCheck } from './ledger-check.js';
import { Documented } from '../http/documented.js';
import { eitherOf } from '../http/dry-run.js';

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
    isBodyOptional: true,
    response: LedgerReport,
  })
  async verify(
    @Query() query: LedgerQuery,
    @Body() body: LedgerBody,
    @Caller() caller: Administrator,
  ): Promise<LedgerReport> {
    const dryRun = eitherOf('dryRun', query, body) ?? false;
    const accepts = eitherOf('acceptLoss', query, body) ?? false;
    // A dry run accepts no loss.
    const acceptsLoss = accepts && !dryRun;
    const report = await this.ledger.verify({ isDryRun: dryRun, acceptsLoss }, caller);
    const { isDamaged, forgotten } = report;
    await this.admins.record({
      ...{ actor: caller, act: 'erasure.verify', outcome: 'done' },
      detail: { dryRun, acceptsLoss, isDamaged, forgotten: forgotten.erasures.length },
    });
    return { ...report, dryRun };
  }
}
