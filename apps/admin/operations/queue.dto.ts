import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsOptional } from 'class-validator';
import type { FailedJob, JobCounts, QueueStatus } from '#queue';
import { Page, Text, time } from '../http/fields.js';

/** `GET /v1/queue/failed`. */
export class FailedJobsQuery {
  @Page(500) limit = 50;
}

/** `POST /v1/queue/failed/retry`. Without ids, it retries all failed jobs. */
export class RetryBody {
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(500)
  @Text(100, { least: 1, each: true })
  ids?: string[];
}

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
export class QueueState implements QueueStatus {
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
