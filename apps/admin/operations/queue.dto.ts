import { ApiProperty } from '@nestjs/swagger';
import type { FailedJob, JobCounts, QueueFigures } from '#queue';
import type { BalancedHour } from '#storage';
import { time } from '../http/fields.js';

class CountsByState implements JobCounts {
  @ApiProperty({ type: 'integer', description: 'Jobs that no worker has taken yet.' })
  waiting!: number;

  @ApiProperty({ type: 'integer', description: 'Jobs that workers are processing.' })
  active!: number;

  @ApiProperty({ type: 'integer', description: 'Jobs that failed and are waiting for a retry.' })
  delayed!: number;

  @ApiProperty({ type: 'integer', description: 'Jobs that failed permanently.' })
  failed!: number;
}

/** How full the queue is. */
export class QueueState implements QueueFigures {
  @ApiProperty({
    type: 'integer',
    description: 'Jobs not yet stored. A job contains up to several hundred events.',
  })
  depth!: number;

  @ApiProperty()
  counts!: CountsByState;

  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'Age of the oldest job; null when the queue is empty.',
  })
  oldestJobAgeMs!: number | null;
}

class JobThatFailed implements FailedJob {
  @ApiProperty()
  id!: string;

  @ApiProperty(time({ nullable: true }))
  failedAt!: string | null;

  @ApiProperty({ description: 'The error message of the worker, without any data of the job.' })
  reason!: string;

  @ApiProperty({ type: 'integer' })
  attempts!: number;
}

/** Failed jobs, newest first. */
export class FailedJobs {
  @ApiProperty({ type: [JobThatFailed] })
  jobs!: JobThatFailed[];
}

/** The number of jobs that were queued for a retry. */
export class RetriedJobs {
  @ApiProperty({ type: 'integer' })
  retried!: number;
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
