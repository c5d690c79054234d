import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { auditOutcomes, type AuditRecord } from '#storage';
import { nextPage, Page, time } from '../http/fields.js';

/** `GET /v1/audit`. A bigint of Postgres has 19 digits. */
export class AuditQuery {
  @IsOptional()
  @Matches(/^\d{1,18}$/, { message: 'after must be the id of an audit entry' })
  after?: string;
  @Page(500) limit = 50;
}

class AuditEntry implements AuditRecord {
  @ApiProperty()
  id!: string;

  @ApiProperty(time())
  at!: string;

  @ApiProperty({
    description:
      'The name of the token, or `installation`, `ledger` or `start` when a process acted without one.',
  })
  actor!: string;

  @ApiProperty({
    type: 'string',
    format: 'uuid',
    nullable: true,
    description: 'The id of the token; null when no token was used.',
  })
  actorId!: string | null;

  @ApiProperty({
    description:
      'The action, such as `erasure.request`; for a request that was denied, the missing scope.',
  })
  act!: string;

  @ApiProperty({ enum: auditOutcomes })
  outcome!: AuditRecord['outcome'];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description:
      'HMAC-SHA-256 of the installation’s id, in hex; null when the action concerns no single installation.',
  })
  installationHash!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  detail!: object;
}

/** Audit entries, newest first. */
export class AuditPage {
  @ApiProperty({ type: [AuditEntry] })
  acts!: AuditEntry[];

  @ApiProperty(nextPage())
  next!: string | null;
}
