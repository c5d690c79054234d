import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsUUID } from 'class-validator';
import {
  quarantineJobKinds,
  quarantineJobStates,
  type QuarantineFilter,
  type QuarantineJob,
} from '#storage';
import { quarantineReasons } from '#telemetry';
import { Within } from '../http/dto.js';
import { nextPage, Page, time } from '../http/fields.js';
import { FilterFields } from './quarantine.dto.js';

/** `GET /v1/quarantine/jobs`. */
export class JobsQuery {
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of a job' })
  after?: string;
  @Page(500) limit = 50;
}

/** `POST /v1/quarantine/replays`. An empty filter selects all events. */
export class ReplayBody {
  @IsOptional() @Within(FilterFields) filter?: FilterFields;
}

/** `POST /v1/quarantine/discards`. */
export class DiscardBody extends ReplayBody {
  @ApiProperty({
    description: 'Must be true to discard all events, and only then may `filter` be empty.',
  })
  @IsOptional()
  @IsBoolean({ message: 'all must be true or false' })
  all?: boolean;
}

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

  @ApiProperty(nextPage())
  next!: string | null;
}
