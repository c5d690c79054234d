import { ApiProperty } from '@nestjs/swagger';
import {
  quarantineJobKinds,
  quarantineJobStates,
  type QuarantineFilter,
  type QuarantineJob,
} from '#storage';
import { quarantineReasons } from '#telemetry';
import { time } from './fields.js';

/** Which events are meant: those of which all is true that is said here. */
class FilterOfJob implements QuarantineFilter {
  @ApiProperty({ type: 'string', required: false })
  product?: string | undefined;

  @ApiProperty({ type: 'string', required: false })
  event?: string | undefined;

  @ApiProperty({ type: 'string', enum: quarantineReasons, required: false })
  reason?: string | undefined;

  @ApiProperty({ type: 'string', required: false })
  path?: string | undefined;

  @ApiProperty({ type: 'string', required: false, description: 'Empty for events that name none.' })
  version?: string | undefined;

  @ApiProperty(time({ description: 'Received at this time or later.', required: false }))
  from?: string | undefined;

  @ApiProperty(time({ description: 'Received before this time.', required: false }))
  to?: string | undefined;
}

/** A replay or a discard, and how far it is. */
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

  @ApiProperty({ description: 'The name of the token.' })
  requestedBy!: string;

  @ApiProperty(time({ nullable: true }))
  startedAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  completedAt!: string | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'How many events it is about; null until it has started.',
  })
  total!: number | null;

  @ApiProperty({ type: 'integer', description: 'Events that it has replayed or discarded.' })
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
    description: 'Events of installations that had opted out when they happened; removed.',
  })
  optedOut!: number;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Why the last attempt failed; null where none has since it got on.',
  })
  failure!: string | null;
}

export class OneQuarantineJob {
  @ApiProperty()
  job!: JobOfQuarantine;
}

/** Replays and discards, the latest first. */
export class QuarantineJobPage {
  @ApiProperty({ type: [JobOfQuarantine] })
  jobs!: JobOfQuarantine[];

  @ApiProperty({ type: 'string', nullable: true, description: 'What to give as `after`.' })
  next!: string | null;
}
