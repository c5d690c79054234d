import 'reflect-metadata';
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
} from '#storage';
import { check, fieldsOf } from '../http/validation.js';

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
  name: unknown;
  @ApiProperty({ description: `Defaults to all scopes of the caller. ${meanings}.` })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @IsIn(adminScopes, { each: true })
  scopes: unknown;
  @ApiProperty({
    description:
      'Days until the token expires, at most those of the caller’s token; by default, it expires together with that one.',
  })
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @Max(36_500)
  days: unknown;

  constructor(body: Record<string, unknown>) {
    this.name = body.name;
    this.scopes = body.scopes ?? undefined;
    this.days = body.days ?? undefined;
  }
}

/** Reads the name, scopes and lifetime of a new token. @throws AdminError */
export function readTokenBody(body: unknown) {
  const { name, scopes, days } = check(new TokenBody(fieldsOf(body)));
  return {
    name: name as string,
    scopes: scopes as AdminScope[] | undefined,
    days: days as number | undefined,
  };
}
