import { ApiProperty } from '@nestjs/swagger';
import type { Block, NewWriteKey, ProductDecision, WriteKey } from '#storage';
import type { EventLimits } from '#telemetry';
import { time } from '../http/fields.js';

/** A write key. The secret itself is not stored. */
export class KnownWriteKey implements WriteKey {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  product!: string;

  @ApiProperty({ type: 'string', nullable: true })
  name!: string | null;

  @ApiProperty({ description: 'The last four characters of the key.' })
  hint!: string;

  @ApiProperty(time())
  createdAt!: string;

  @ApiProperty({ description: 'The name of the token that created it.' })
  createdBy!: string;

  @ApiProperty(time({ nullable: true }))
  expiresAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  revokedAt!: string | null;

  @ApiProperty({
    type: 'string',
    format: 'uuid',
    nullable: true,
    description: 'The id of the key that replaced this one in a rotation.',
  })
  replacedBy!: string | null;
}

/** A new key. */
export class MadeWriteKey implements NewWriteKey {
  @ApiProperty()
  key!: KnownWriteKey;

  @ApiProperty({ description: 'The key itself. It is shown only in this response.' })
  secret!: string;
}

/** A new key that replaces another. */
export class RotatedWriteKey extends MadeWriteKey {
  @ApiProperty({ description: 'The replaced key, with its expiry time.' })
  replaces!: KnownWriteKey;
}

export class OneWriteKey {
  @ApiProperty()
  key!: KnownWriteKey;
}

/** Write keys, newest first. */
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

/** The settings of a product. */
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
    description: 'Days to keep the reports of this product; null to use the global retention.',
  })
  retentionDays!: number | null;
}

export class OneProduct {
  @ApiProperty()
  product!: DecidedProduct;
}

/** The settings of a product, and whether it has a declaration. */
export class ListedProduct extends DecidedProduct {
  @ApiProperty({ description: 'Whether the product has a declaration of its events.' })
  isDeclared!: boolean;
}

/** Products, by name. */
export class ProductList {
  @ApiProperty({ type: [ListedProduct] })
  products!: ListedProduct[];
}

/** Drops the events of a product that match all fields that are not null. */
export class KnownBlock implements Block {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  product!: string;

  @ApiProperty({ type: 'string', nullable: true })
  event!: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'The version of the product.' })
  version!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  note!: string | null;

  @ApiProperty(time())
  createdAt!: string;

  @ApiProperty({ description: 'The name of the token that created it.' })
  createdBy!: string;
}

export class OneBlock {
  @ApiProperty()
  block!: KnownBlock;
}

/** Blocks, newest first. */
export class BlockList {
  @ApiProperty({ type: [KnownBlock] })
  blocks!: KnownBlock[];
}
