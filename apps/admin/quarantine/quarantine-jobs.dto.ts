import { ApiProperty } from '@nestjs/swagger';
import {
  quarantineJobKinds,
  quarantineJobStates,
  type QuarantineFilter,
  type QuarantineJob,
} from '#storage';
import { quarantineReasons } from '#telemetry';
import { time } from '../http/fields.js';

/** Selects the events that match all of the given fields. */
class FilterOfJob implements QuarantineFilter {
  @ApiProperty({ type: 'string', required: false })
  product?: string | undefined;

  @ApiProperty({ type: 'string', required: false })
  event?: string | undefined;

  @ApiProperty({ type: 'string', enum: quarantineReasons, required: false })
  reason?: string | undefined;

  @ApiProperty({ type: 'string', required: false })
  path?: string | undefined;

  @ApiProperty({
    type: 'string',
    required: false,
    description: 'Empty for events without a version.',
  })
  version?: string | undefined;

  @ApiProperty(time({ description: 'Events received at this time or later.', required: false }))
  from?: string | undefined;

  @ApiProperty(time({ description: 'Events received before this time.', required: false }))
  to?: string | undefined;
}

/** A replay or a discard, and its progress. */
class JobOfQuarantine implements QuarantineJob {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: quarantineJobKinds })
  kind!: QuarantineJob['kind'];

  @ApiProperty()
  filter!: FilterOfJob;

  @ApiProperty({ enum: quarantineJobStates })
  state!: QuarantineJob['state'];

  @ApiProperty(time())
  requestedAt!: string;

  @ApiProperty({ description: 'The name of the token that requested it.' })
  requestedBy!: string;

  @ApiProperty(time({ nullable: true }))
  startedAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  completedAt!: string | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Number of matching events; null until the job has started.',
  })
  total!: number | null;

  @ApiProperty({ type: 'integer', description: 'Events replayed or discarded so far.' })
  done!: number;

  @ApiProperty({ type: 'integer' })
  stored!: number;

  @ApiProperty({ type: 'integer' })
  quarantinedAgain!: number;

  @ApiProperty({ type: 'integer' })
  duplicate!: number;

  @ApiProperty({ type: 'integer' })
  suppressed!: number;

  @ApiProperty({ type: 'integer' })
  empty!: number;

  @ApiProperty({ type: 'integer' })
  blocked!: number;

  @ApiProperty({
    type: 'integer',
    description: 'Events that happened while their installation was opted out. They are removed.',
  })
  optedOut!: number;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Why the last attempt failed; null once the job makes progress again.',
  })
  failure!: string | null;
}

export class OneQuarantineJob {
  @ApiProperty()
  job!: JobOfQuarantine;
}

/** Replays and discards, newest first. */
export class QuarantineJobPage {
  @ApiProperty({ type: [JobOfQuarantine] })
  jobs!: JobOfQuarantine[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Pass it as `after` to get the next page; null on the last page.',
  })
  next!: string | null;
}
