import { Controller, Get, Query } from '@nestjs/common';
import { BalanceReader } from '#storage';
import { Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { Balance, BalanceQuery } from './balance.dto.js';

@Controller('v1/balance')
export class BalanceController {
  constructor(private readonly balances: BalanceReader) {}

  @Get()
  @Scope('operations:read')
  @Documented({
    summary: 'Checks that every acknowledged event has a fate or is queued',
    about:
      'Covers the hours from `from` (inclusive) to `to` (exclusive). The result considers all matching hours, including those that `limit` omits.',
    response: Balance,
  })
  async balance(@Query() query: BalanceQuery): Promise<Balance> {
    const { hours, unbalanced } = await this.balances.balance(query);
    const isBalanced = unbalanced === 0;
    return { isBalanced, alert: !isBalanced, hoursOutOfBalance: unbalanced, hours };
  }
}
