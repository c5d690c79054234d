import { ApiProperty } from '@nestjs/swagger';
import { actOutcomes, type RecordedAct } from '#storage';
import { time } from '../http/fields.js';

class AuditEntry implements RecordedAct {
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

  @ApiProperty({ enum: actOutcomes })
  outcome!: RecordedAct['outcome'];

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

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Pass it as `after` to get the next page; null on the last page.',
  })
  next!: string | null;
}
