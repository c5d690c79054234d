import { ApiProperty } from '@nestjs/swagger';
import { IsNumber, IsOptional, Max, Min } from 'class-validator';
import type { NewWriteKey, WriteKey } from '#storage';
import { NewProductName, ProductName, Text, time } from '../http/fields.js';

const YEAR_HOURS = 8760;

/** `POST /v1/keys`. */
export class KeyBody {
  @NewProductName() product!: string;
  @IsOptional() @Text(100, { least: 1 }) name?: string;
}

/** `GET /v1/keys`. */
export class KeyQuery {
  @IsOptional() @ProductName() product?: string;
}

/** `POST /v1/keys/{id}/rotate`. */
export class RotateBody {
  @ApiProperty({ description: 'How long the old key stays valid.' })
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(YEAR_HOURS)
  overlapHours = 24;
}

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
