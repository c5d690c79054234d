import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsNumber,
  IsOptional,
  IsPositive,
  Max,
  ValidateBy,
} from 'class-validator';
import {
  adminScopes,
  scopeMeanings,
  TOKEN_NAME,
  tokenNameProblem,
  type AdminScope,
  type AdminToken,
} from '#storage';
import { time } from '../http/fields.js';

const meanings = Object.entries(scopeMeanings)
  .map(([scope, meaning]) => `\`${scope}\`: ${meaning}`)
  .join('; ');

/** A name that a new token may have. */
function TokenName(): PropertyDecorator {
  const problemOf = (value: unknown) => tokenNameProblem(typeof value === 'string' ? value : '');
  const validate = (value: unknown) => problemOf(value) === null;
  const rule = { name: 'matches', constraints: [TOKEN_NAME], validator: { validate } };
  return ValidateBy(rule, { message: ({ value }) => problemOf(value) ?? '' });
}

/** `POST /v1/tokens`. */
export class TokenBody {
  @TokenName()
  name!: string;
  @ApiProperty({ description: `Defaults to all scopes of the caller. ${meanings}.` })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @IsIn(adminScopes, { each: true })
  scopes?: AdminScope[];

  @ApiProperty({
    description:
      'Days until the token expires, at most those of the caller’s token; by default, it expires together with that one.',
  })
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @Max(36_500)
  days?: number;
}

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
