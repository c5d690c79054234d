import { ApiProperty } from '@nestjs/swagger';
import { rowsByTable } from '../http/fields.js';

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
