import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { rowsByTable } from './fields.js';

/** The number of rows stored about an installation. */
export class InstallationSummary {
  @ApiProperty({ format: 'uuid', description: 'The id under which the installation is stored.' })
  installationId!: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'Its rows in the view `fleet.installations`, one per product.',
  })
  products!: object[];

  @ApiProperty(rowsByTable({ description: 'Number of stored rows, by table.' }))
  rows!: object;
}

const dependencies = ['postgres', 'redis'] as const;
export type Dependency = (typeof dependencies)[number];

export class Health {
  @ApiProperty({ enum: ['ok', 'unavailable'] })
  status!: 'ok' | 'unavailable';

  @ApiProperty({
    enum: dependencies,
    isArray: true,
    required: false,
    description:
      'Dependencies that do not respond. Without Redis, only the queue routes are unavailable.',
  })
  failing?: Dependency[];

  @ApiPropertyOptional({
    enum: ['off'],
    description: 'Present when the clock of this machine is off by several seconds.',
  })
  clock?: 'off';

  @ApiPropertyOptional({
    description: "How far this machine's clock is ahead of Redis' clock, in milliseconds.",
  })
  clockOffsetMs?: number;
}
