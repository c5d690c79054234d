import { ApiProperty } from '@nestjs/swagger';
import {
  actOutcomes,
  adminScopes,
  type AdminScope,
  type AdminToken,
  type RecordedAct,
} from '#storage';
import { time } from './fields.js';

/** An administrator's token; the token itself is kept nowhere. */
export class KnownToken implements AdminToken {
  @ApiProperty({ format: 'uuid', description: 'The audit log names it with the name.' })
  id!: string;

  @ApiProperty({ description: 'The actor in the audit log.' })
  name!: string;

  @ApiProperty({ enum: adminScopes, isArray: true })
  scopes!: readonly AdminScope[];

  @ApiProperty(time())
  createdAt!: string;

  @ApiProperty(time({ nullable: true }))
  expiresAt!: string | null;

  @ApiProperty(time({ nullable: true }))
  revokedAt!: string | null;
}

/** A token that was made. */
export class MadeToken {
  @ApiProperty()
  token!: KnownToken;

  @ApiProperty({ description: 'The token itself, shown this once.' })
  secret!: string;
}

export class OneToken {
  @ApiProperty()
  token!: KnownToken;
}

/** Tokens, by name. */
export class TokenList {
  @ApiProperty({ type: [KnownToken] })
  tokens!: KnownToken[];
}

class ActInLog implements RecordedAct {
  @ApiProperty()
  id!: string;

  @ApiProperty(time())
  at!: string;

  @ApiProperty({
    description: 'The name of the token; `installation` or `start`, where nobody asked with one.',
  })
  actor!: string;

  @ApiProperty({
    type: 'string',
    format: 'uuid',
    nullable: true,
    description: 'The id of the token; null where none was used.',
  })
  actorId!: string | null;

  @ApiProperty({
    description: 'What, as `erasure.request`; the scope that was lacking, where one was.',
  })
  act!: string;

  @ApiProperty({ enum: actOutcomes })
  outcome!: RecordedAct['outcome'];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'HMAC-SHA-256 of the installation’s id, in hex; null where the act is about none.',
  })
  installationHash!: string | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  detail!: object;
}

/** What was done, the latest first. */
export class ActPage {
  @ApiProperty({ type: [ActInLog] })
  acts!: ActInLog[];

  @ApiProperty({ type: 'string', nullable: true, description: 'What to give as `after`.' })
  next!: string | null;
}
