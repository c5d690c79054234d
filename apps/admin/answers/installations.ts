import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { rowsByTable } from './fields.js';

/** What is held of an installation, in numbers. */
export class InstallationSummary {
  @ApiProperty({ format: 'uuid', description: 'The id under which it is stored.' })
  installationId!: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'Its rows of the view `fleet.installations`, one a product.',
  })
  products!: object[];

  @ApiProperty(rowsByTable({ description: 'Rows about it, by table.' }))
  rows!: object;
}

const dependencies = ['postgres', 'redis'] as const;
export type Dependency = (typeof dependencies)[number];

/** Whether it works. */
export class Health {
  @ApiProperty({ enum: ['ok', 'unavailable'] })
  status!: 'ok' | 'unavailable';

  @ApiProperty({
    enum: dependencies,
    isArray: true,
    required: false,
    description:
      'What does not answer. Without Redis, only the routes of the queue are unavailable.',
  })
  failing?: Dependency[];

  @ApiPropertyOptional({ enum: ['off'], description: 'Where the clock is off by seconds.' })
  clock?: 'off';

  @ApiPropertyOptional({ description: "How far it is ahead of Redis' clock, in milliseconds." })
  clockOffsetMs?: number;
}
