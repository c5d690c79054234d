import { Controller, Get, Query } from '@nestjs/common';
import { Books } from '#storage';
import { Balance } from './queue.dto.js';
import { Scope } from '../http/auth.guard.js';
import { Documented } from '../http/documented.js';
import { check, Moment, Page, ProductName, readCount, readMoment } from '../http/validation.js';

/** `GET /v1/balance`. */
export class BalanceQuery {
  @ProductName() product: string | undefined;
  @Moment() from: Date | undefined;
  @Moment() to: Date | undefined;
  @Page(10_000) limit: number;

  constructor(query: Record<string, unknown>) {
    this.product = query.product as string | undefined;
    this.from = readMoment(query.from);
    this.to = readMoment(query.to);
    this.limit = readCount(query.limit, 168);
  }
}

@Controller('v1/balance')
export class BalanceController {
  constructor(private readonly books: Books) {}

  @Get()
  @Scope('operations:read')
  @Documented({
    summary: 'Checks that every acknowledged event has a fate or is queued',
    about:
      'Covers the hours from `from` (inclusive) to `to` (exclusive). The result considers all matching hours, including those that `limit` omits.',
    query: BalanceQuery,
    response: Balance,
  })
  async balance(@Query() query: Record<string, unknown>): Promise<Balance> {
    const filter = check(new BalanceQuery(query));
    const { hours, unbalanced } = await this.books.balance(filter);
    const isBalanced = unbalanced === 0;
    return { isBalanced, alert: !isBalanced, hoursOutOfBalance: unbalanced, hours };
  }
}
