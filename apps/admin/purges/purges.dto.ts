import { ApiProperty } from '@nestjs/swagger';
import { purgeStates, type Purge, type SentGroup } from '#storage';
import { rowsByTable, time } from '../http/fields.js';

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

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Pass it as `after` to get the next page; null on the last page.',
  })
  next!: string | null;
}
