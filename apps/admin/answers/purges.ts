import { ApiProperty } from '@nestjs/swagger';
import { purgeStates, type Purge, type SentGroup } from '#storage';
import { rowsByTable, time } from './fields.js';

/** The removal of what a write key sent, and how far it is. */
class PurgeOfKey implements Purge {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ description: 'The first 16 digits of the SHA-256 of the write key.' })
  keyId!: string;

  @ApiProperty(time({ description: 'Received at this time or later.' }))
  from!: string;

  @ApiProperty(time({ description: 'Received before this time.' }))
  to!: string;

  @ApiProperty({ enum: purgeStates })
  state!: Purge['state'];

  @ApiProperty(time())
  requestedAt!: string;

  @ApiProperty({ description: 'The name of the token.' })
  requestedBy!: string;

  @ApiProperty(time({ nullable: true }))
  completedAt!: string | null;

  @ApiProperty(rowsByTable({ description: 'Rows removed so far, by table.' }))
  removed!: Record<string, number>;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description:
      'Why the last attempt failed: an SQLSTATE, or `interrupted`; null where none has since it got on.',
  })
  failure!: string | null;
}

/** What a key sent of a product, version and kind. */
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

/** Purges, the latest first. */
export class PurgePage {
  @ApiProperty({ type: [PurgeOfKey] })
  purges!: PurgeOfKey[];

  @ApiProperty({ type: 'string', nullable: true, description: 'What to give as `after`.' })
  next!: string | null;
}
