import { ApiProperty } from '@nestjs/swagger';
import { ArrayUnique, IsArray, IsIn, IsOptional, Matches } from 'class-validator';
import { summaryFields, type ListedEvent, type SummaryField, type SummaryGroup } from '#storage';
import { quarantineReasons } from '#telemetry';
import { Reads } from '../http/dto.js';
import { Moment, nextPage, Page, Text, time } from '../http/fields.js';

const MAX_TEXT = 300;
const WRONG_BY = `by must be a comma-separated list of ${summaryFields.join(', ')}, each at most once`;

/** Selects quarantined events, in a query or as part of a body. */
export class FilterFields {
  @IsOptional() @Text(MAX_TEXT) product?: string;
  @IsOptional() @Text(MAX_TEXT) event?: string;
  @IsOptional() @IsIn(quarantineReasons) reason?: string;
  @IsOptional() @Text(MAX_TEXT) path?: string;
  @IsOptional() @Text(MAX_TEXT) version?: string;
  @IsOptional() @Moment() from?: string;
  @IsOptional() @Moment() to?: string;
}

/** `GET /v1/quarantine`. A bigint of Postgres has 19 digits. */
export class EventsQuery extends FilterFields {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'after must be the id of an event' })
  after?: string;
  @Page(500) limit = 50;
}

/** `GET /v1/quarantine/summary`. */
export class SummaryQuery extends FilterFields {
  @Reads((raw) => String(raw).split(','))
  @IsOptional()
  @IsArray({ message: WRONG_BY })
  @ArrayUnique({ message: WRONG_BY })
  @IsIn(summaryFields, { each: true, message: WRONG_BY })
  by: SummaryField[] = ['product', 'reason', 'path', 'version'];
  @Page(500) limit = 100;
}

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

  @ApiProperty(nextPage())
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
