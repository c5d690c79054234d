import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { CertificateValidity } from '#platform';

const dependencies = ['postgres', 'redis'] as const;
export type Dependency = (typeof dependencies)[number];

const certificateStates = ['valid', 'expiring', 'expired', 'not_yet_valid'] as const;

/** The validity of the served TLS certificate, with its chain. */
export class Certificate implements CertificateValidity {
  @ApiProperty({
    enum: certificateStates,
    description: '`expiring`: 30 days are left, or fewer.',
  })
  state!: (typeof certificateStates)[number];

  @ApiProperty({ format: 'date-time' })
  notBefore!: string;

  @ApiProperty({ format: 'date-time' })
  notAfter!: string;

  @ApiProperty({ type: 'integer', description: 'Whole days until `notAfter`; negative after it.' })
  daysLeft!: number;
}

export class Health {
  @ApiProperty({ enum: ['ok', 'unavailable'] })
  status!: 'ok' | 'unavailable';

  @ApiPropertyOptional({ enum: ['draining'], description: 'Present when the process is stopping.' })
  reason?: 'draining';

  @ApiPropertyOptional({
    type: () => Certificate,
    description: 'In readiness: the served certificate; absent for plain HTTP.',
  })
  certificate?: Certificate | undefined;

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
