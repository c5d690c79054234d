import { ApiProperty } from '@nestjs/swagger';
import type { ListedEvent, SummaryGroup } from '#storage';
import { quarantineReasons } from '#telemetry';
import { time } from './fields.js';

/** An event that was kept aside: no value of it. */
export class QuarantinedEvent implements ListedEvent {
  @ApiProperty()
  id!: string;

  @ApiProperty({ format: 'uuid', description: 'The id under which it is stored.' })
  installationId!: string;

  @ApiProperty()
  product!: string;

  @ApiProperty()
  event!: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Of the product; null where the event names none.',
  })
  version!: string | null;

  @ApiProperty({ type: 'string', enum: quarantineReasons })
  reason!: string;

  @ApiProperty({ description: 'Where in the event it lies.' })
  path!: string;

  @ApiProperty(time())
  receivedAt!: string;

  @ApiProperty(time())
  observedAt!: string;
}

/** Events that were kept aside, the last first. */
export class QuarantinedEventPage {
  @ApiProperty({ type: [QuarantinedEvent] })
  events!: QuarantinedEvent[];

  @ApiProperty({ type: 'string', nullable: true, description: 'What to give as `after`.' })
  next!: string | null;
}

/** The same with what is kept of it, for those who may replay it. */
class QuarantinedEventAndContent extends QuarantinedEvent {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    selfRequired: false,
    description: 'What is kept of it, with `quarantine:write` only; null where nothing is.',
  })
  content?: object | null;
}

export class OneQuarantinedEvent {
  @ApiProperty()
  event!: QuarantinedEventAndContent;
}

/** Events that have the same in all that was asked for, and in nothing else. */
class GroupOfEvents implements SummaryGroup {
  @ApiProperty({ type: 'string', required: false, nullable: true })
  product?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true })
  event?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true })
  reason?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true })
  path?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true, description: 'Of the product.' })
  version?: string | null;

  @ApiProperty({ type: 'integer' })
  events!: number;

  @ApiProperty({ type: 'integer', description: 'How many of them a replay would read again.' })
  replayable!: number;

  @ApiProperty(time())
  firstReceivedAt!: string;

  @ApiProperty(time())
  lastReceivedAt!: string;
}

/** How many events there are, the largest groups first. */
export class QuarantineSummary {
  @ApiProperty({ type: [GroupOfEvents] })
  groups!: GroupOfEvents[];
}
