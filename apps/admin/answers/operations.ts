import { ApiProperty } from '@nestjs/swagger';
import type { FailedJob, JobCounts, QueueFigures } from '#queue';
import type { BalancedHour } from '#storage';
import { time } from './fields.js';

class CountsByState implements JobCounts {
  @ApiProperty({ type: 'integer', description: 'Jobs that no worker has taken yet.' })
  waiting!: number;

  @ApiProperty({ type: 'integer', description: 'Jobs that workers are at.' })
  active!: number;

  @ApiProperty({ type: 'integer', description: 'Jobs that failed and are tried again in a while.' })
  delayed!: number;

  @ApiProperty({ type: 'integer', description: 'Jobs that no repetition will mend.' })
  failed!: number;
}

/** How full the queue is. */
export class QueueState implements QueueFigures {
  @ApiProperty({
    type: 'integer',
    description: 'Jobs that are not stored yet; each holds up to several hundred events.',
  })
  depth!: number;

  @ApiProperty()
  counts!: CountsByState;

  @ApiProperty({
    type: 'number',
    nullable: true,
    description: 'How long the oldest of them has been there; null where there is none.',
  })
  oldestJobAgeMs!: number | null;
}

class JobThatFailed implements FailedJob {
  @ApiProperty()
  id!: string;

  @ApiProperty(time({ nullable: true }))
  failedAt!: string | null;

  @ApiProperty({ description: 'What the worker said; nothing of what the job holds.' })
  reason!: string;

  @ApiProperty({ type: 'integer' })
  attempts!: number;
}

/** The jobs that failed last, the last first. */
export class FailedJobs {
  @ApiProperty({ type: [JobThatFailed] })
  jobs!: JobThatFailed[];
}

/** How many jobs are tried again. */
export class RetriedJobs {
  @ApiProperty({ type: 'integer' })
  retried!: number;
}

class HourOfBalance implements BalancedHour {
  @ApiProperty()
  product!: string;

  @ApiProperty(time({ description: 'The beginning of the hour in which events were received.' }))
  hour!: string;

  @ApiProperty({ type: 'integer' })
  accepted!: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description: 'Events by fate.',
  })
  fates!: Record<string, number>;

  @ApiProperty({ type: 'integer', description: 'Accepted less all fates.' })
  difference!: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'Events that ingest acknowledged, by its own count; null when none was announced for the hour.',
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
  @ApiProperty({ description: 'Whether every hour that was asked for is in balance.' })
  isBalanced!: boolean;

  @ApiProperty({ description: 'Whether somebody has to look: an hour is out of balance.' })
  alert!: boolean;

  @ApiProperty({ type: 'integer', description: 'How many hours are out of balance.' })
  hoursOutOfBalance!: number;

  @ApiProperty({ type: [HourOfBalance], description: 'The latest first.' })
  hours!: HourOfBalance[];
}
