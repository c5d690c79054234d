import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import type { Block } from '#storage';
import { asVersion } from '#telemetry';
import { NewProductName, Text, time } from '../http/fields.js';

/** A version as stored. Any other form would never match. */
function StoredVersion(): PropertyDecorator {
  const validate = (value: unknown) => typeof value === 'string' && asVersion(value) === value;
  const message = '$property must be in the stored form, such as 2021.2.7428';
  return ValidateBy({ name: 'isStoredVersion', validator: { validate } }, { message });
}

/** `POST /v1/blocks`. */
export class BlockBody {
  @NewProductName() product!: string;
  @IsOptional() @Text(128, { least: 1 }) event?: string;
  @IsOptional() @StoredVersion() @Text(64, { least: 1 }) version?: string;
  @IsOptional() @Text(500) note?: string;
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
