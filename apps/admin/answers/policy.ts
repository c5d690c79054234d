import { ApiProperty } from '@nestjs/swagger';
import type { Block, NewWriteKey, ProductDecision, WriteKey } from '#storage';
import type { EventLimits } from '#telemetry';
import { time } from './fields.js';

/** A write key; the key itself is kept nowhere. */
export class KnownWriteKey implements WriteKey {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  product!: string;

  @ApiProperty({ type: 'string', nullable: true })
  name!: string | null;

  @ApiProperty({ description: 'Its last four characters.' })
  hint!: string;

  @ApiProperty(time())
  createdAt!: string;

  @ApiProperty({ description: 'The name of the token that made it.' })
  createdBy!: string;

  @ApiProperty(time({ nullable: true }))
  expiresAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  revokedAt!: string | null;

  @ApiProperty({
    type: 'string',
    format: 'uuid',
    nullable: true,
    description: 'The id of the key that a rotation made in its place.',
  })
  replacedBy!: string | null;
}

/** A key that was made. */
export class MadeWriteKey implements NewWriteKey {
  @ApiProperty()
  key!: KnownWriteKey;

  @ApiProperty({ description: 'The key itself, shown this once.' })
  secret!: string;
}

/** A key that was made in the place of another. */
export class RotatedWriteKey extends MadeWriteKey {
  @ApiProperty({ description: 'The old key, with its end.' })
  replaces!: KnownWriteKey;
}

export class OneWriteKey {
  @ApiProperty()
  key!: KnownWriteKey;
}

/** Write keys, the newest first. */
export class WriteKeyList {
  @ApiProperty({ type: [KnownWriteKey] })
  keys!: KnownWriteKey[];
}

class LimitsOfProduct implements EventLimits {
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null for no limit.' })
  eventsPerMinutePerKey!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Null for no limit.' })
  eventsPerMinutePerInstallation!: number | null;
}

/** What holds for a product. */
export class DecidedProduct implements ProductDecision {
  @ApiProperty()
  product!: string;

  @ApiProperty()
  limits!: LimitsOfProduct;

  @ApiProperty({ description: 'Whether an installation may ask for its own erasure.' })
  selfErasure!: boolean;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'How long its reports are kept; null for as long as those of all.',
  })
  retentionDays!: number | null;
}

export class OneProduct {
  @ApiProperty()
  product!: DecidedProduct;
}

/** What holds for a product, and whether it has a declaration. */
export class ListedProduct extends DecidedProduct {
  @ApiProperty({ description: 'Whether a declaration says what its events hold.' })
  isDeclared!: boolean;
}

/** Products, by name. */
export class ProductList {
  @ApiProperty({ type: [ListedProduct] })
  products!: ListedProduct[];
}

/** Events that are dropped: those of this product of which all is true that is not null. */
export class KnownBlock implements Block {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  product!: string;

  @ApiProperty({ type: 'string', nullable: true })
  event!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'Of the product.' })
  version!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  note!: string | null;

  @ApiProperty(time())
  createdAt!: string;

  @ApiProperty({ description: 'The name of the token that made it.' })
  createdBy!: string;
}

export class OneBlock {
  @ApiProperty()
  block!: KnownBlock;
}

/** Blocks, the newest first. */
export class BlockList {
  @ApiProperty({ type: [KnownBlock] })
  blocks!: KnownBlock[];
}
