import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import type { BalancedHour } from '#storage';
import { Moment, Page, ProductName, time } from '../http/fields.js';

/** `GET /v1/balance`. */
export class BalanceQuery {
  @IsOptional() @ProductName() product?: string;
  @IsOptional() @Moment() from?: string;
  @IsOptional() @Moment() to?: string;
  @Page(10_000) limit = 168;
}

class HourOfBalance implements BalancedHour {
  @ApiProperty()
  product!: string;

  @ApiProperty(time({ description: 'Start of the hour in which the events were received.' }))
  hour!: string;

  @ApiProperty({ type: 'integer' })
  accepted!: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'Events by fate.',
  })
  fates!: Record<string, number>;

  @ApiProperty({ type: 'integer', description: 'Accepted events minus the sum of all fates.' })
  difference!: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'Events that ingest acknowledged, by its own count; null when ingest reported no count for the hour.',
  })
  acknowledged!: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Acknowledged events that were in the queue at the latest comparison.',
  })
  queued!: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'Acknowledged events that are neither accepted nor queued. A lower bound until the hour is over and its queue is empty.',
  })
  lost!: number | null;
}

/** Whether every acknowledged event has a fate or is queued. */
export class Balance {
  @ApiProperty({ description: 'Whether all requested hours are in balance.' })
  isBalanced!: boolean;

  @ApiProperty({ description: 'Whether an operator needs to act: an hour is out of balance.' })
  alert!: boolean;

  @ApiProperty({ type: 'integer', description: 'Number of hours out of balance.' })
  hoursOutOfBalance!: number;

  @ApiProperty({ type: [HourOfBalance], description: 'Newest first.' })
  hours!: HourOfBalance[];
}
