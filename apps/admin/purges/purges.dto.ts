import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { purgeStates, type Purge, type PurgeState, type SentGroup } from '#storage';
import { DryRunBody } from '../http/dry-run.js';
import { Moment, nextPage, Page, rowsByTable, time } from '../http/fields.js';

const WRONG_KEY = 'key must be the id of a write key, or the first 16 hex digits of its SHA-256';

/** `POST /v1/purges`. */
export class PurgeBody extends DryRunBody {
  @Matches(/^([0-9a-f]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/, { message: WRONG_KEY })
  key!: string;
  @Moment() from!: string;
  @Moment() to!: string;
}

/** `GET /v1/purges`. */
export class PurgesQuery {
  @IsOptional() @IsIn(purgeStates) state?: PurgeState;
  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of a purge' })
  after?: string;
  @Page(500) limit = 50;
}

/** The removal of what a write key sent, and its progress. */
class PurgeOfKey implements Purge {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ description: 'The first 16 hex digits of the SHA-256 of the write key.' })
  keyId!: string;

  @ApiProperty(time({ description: 'Events received at this time or later.' }))
  from!: string;

  @ApiProperty(time({ description: 'Events received before this time.' }))
  to!: string;

  @ApiProperty({ enum: purgeStates })
  state!: Purge['state'];

  @ApiProperty(time())
  requestedAt!: string;

  @ApiProperty({ description: 'The name of the token that requested it.' })
  requestedBy!: string;

  @ApiProperty(time({ nullable: true }))
  completedAt!: string | null;

  @ApiProperty(rowsByTable({ description: 'Rows removed so far, by table.' }))
  removed!: Record<string, number>;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description:
      'Why the last attempt failed: an SQLSTATE, or `interrupted`; null once the purge makes progress again.',
  })
  failure!: string | null;
}

/** What a key sent for one product, version and kind. */
class SentByKey implements SentGroup {
  @ApiProperty()
  product!: string;

  @ApiProperty({ type: 'string', nullable: true })
  version!: string | null;

  @ApiProperty({ description: 'The kind of report, or `quarantined`.' })
  kind!: string;

  @ApiProperty({ type: 'integer' })
  events!: number;

  @ApiProperty({ type: 'integer' })
  installations!: number;

  @ApiProperty(time())
  firstReceivedAt!: string;

  @ApiProperty(time())
  lastReceivedAt!: string;
}

/** A dry run shows what was sent; otherwise the purge is requested. */
export class PurgeOrSent {
  @ApiProperty({ required: false })
  purge?: PurgeOfKey;

  @ApiProperty({ required: false, enum: [true] })
  dryRun?: boolean;

  @ApiProperty({ required: false, type: [SentByKey] })
  sent?: SentByKey[];
}

export class OnePurge {
  @ApiProperty()
  purge!: PurgeOfKey;
}

/** Purges, newest first. */
export class PurgePage {
  @ApiProperty({ type: [PurgeOfKey] })
  purges!: PurgeOfKey[];

  @ApiProperty(nextPage())
  next!: string | null;
}
