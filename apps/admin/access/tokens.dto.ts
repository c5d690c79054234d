import { ApiProperty } from '@nestjs/swagger';
import { adminScopes, type AdminScope, type AdminToken } from '#storage';
import { time } from '../http/fields.js';

/** An administrator's token. The secret itself is not stored. */
export class KnownToken implements AdminToken {
  @ApiProperty({ format: 'uuid', description: 'The `actorId` in the audit log.' })
  id!: string;

  @ApiProperty({ description: 'The `actor` in the audit log.' })
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

  @ApiProperty({ description: 'The token itself. It is shown only in this response.' })
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
