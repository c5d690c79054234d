import { ApiProperty } from '@nestjs/swagger';
import type { ListedEvent, SummaryGroup } from '#storage';
import { quarantineReasons } from '#telemetry';
import { time } from '../http/fields.js';

/** A quarantined event, without its values. */
export class QuarantinedEvent implements ListedEvent {
  @ApiProperty()
  id!: string;

  @ApiProperty({ format: 'uuid', description: 'The id under which the installation is stored.' })
  installationId!: string;

  @ApiProperty()
  product!: string;

  @ApiProperty()
  event!: string;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'The version of the product; null when the event has none.',
  })
  version!: string | null;

  @ApiProperty({ type: 'string', enum: quarantineReasons })
  reason!: string;

  @ApiProperty({ description: 'Where in the event the problem is.' })
  path!: string;

  @ApiProperty(time())
  receivedAt!: string;

  @ApiProperty(time())
  observedAt!: string;
}

/** Quarantined events, newest first. */
export class QuarantinedEventPage {
  @ApiProperty({ type: [QuarantinedEvent] })
  events!: QuarantinedEvent[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Pass it as `after` to get the next page; null on the last page.',
  })
  next!: string | null;
}

/** A quarantined event with its stored content, for administrators who may replay it. */
class QuarantinedEventAndContent extends QuarantinedEvent {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    selfRequired: false,
    description:
      'The stored part of the event; null if nothing was kept. Present only for tokens with `quarantine:write`.',
  })
  content?: object | null;
}

export class OneQuarantinedEvent {
  @ApiProperty()
  event!: QuarantinedEventAndContent;
}

/** Events that agree in all fields named in `by`. */
class GroupOfEvents implements SummaryGroup {
  @ApiProperty({ type: 'string', required: false, nullable: true })
  product?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true })
  event?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true })
  reason?: string | null;

  @ApiProperty({ type: 'string', required: false, nullable: true })
  path?: string | null;

  @ApiProperty({
    type: 'string',
    required: false,
    nullable: true,
    description: 'The version of the product.',
  })
  version?: string | null;

  @ApiProperty({ type: 'integer' })
  events!: number;

  @ApiProperty({ type: 'integer', description: 'Number of these events that can be replayed.' })
  replayable!: number;

  @ApiProperty(time())
  firstReceivedAt!: string;

  @ApiProperty(time())
  lastReceivedAt!: string;
}

/** The number of events per group, largest groups first. */
export class QuarantineSummary {
  @ApiProperty({ type: [GroupOfEvents] })
  groups!: GroupOfEvents[];
}
