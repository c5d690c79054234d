import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import type { ProductDecision } from '#storage';
import type { EventLimits } from '#telemetry';
import { Within } from '../http/dto.js';
import { Flag, OrNull } from '../http/fields.js';

const MOST_EVENTS = 1_000_000_000;

/** `limits` of `PATCH /v1/products/{product}`; null removes a limit. */
class LimitsBody {
  @OrNull('Null for no limit.')
  @IsInt()
  @Min(1)
  @Max(MOST_EVENTS)
  eventsPerMinutePerKey?: number | null;

  @OrNull('Null for no limit.')
  @IsInt()
  @Min(1)
  @Max(MOST_EVENTS)
  eventsPerMinutePerInstallation?: number | null;
}

/** `PATCH /v1/products/{product}`. Omitted fields stay unchanged. */
export class ProductBody {
  @Within(LimitsBody) limits?: LimitsBody;
  @Flag() selfErasure?: boolean;
  @OrNull('Null to use the global retention.')
  @IsInt()
  @Min(1)
  @Max(36_500)
  retentionDays?: number | null;
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
